"""The record that a reviewer gets next: one at random, or the one from which training learns most."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import exp
from typing import NamedTuple

import numpy as np

from relearn.schemas.identity import Place
from relearn.schemas.messages.feedback import Via

#: While the stream drifts, the least certain records represent the others least.
DRIFTED_SHARE = 0.5


class Candidate(NamedTuple):
    """An unreviewed prediction, with its label and its `certainty`.

    `key`: the record's example key. `disagrees`: the current shadow predicts another label.
    """

    place: Place
    key: str
    features: Sequence[float]
    label: str
    certainty: float
    disagrees: bool


class Choice(NamedTuple):
    """The candidate to review, and how it was chosen."""

    candidate: Candidate
    via: Via


def certainty(confidence: float | None, margins: Sequence[float]) -> float:
    """A model's certainty, in [0, 1]: its confidence; where unknown, 1 / (1 + e^-gap), which rises with the gap.

    The gap: with two classes the margin's distance from 0, with more the largest margin minus the second largest.
    """
    if confidence is not None:
        return confidence
    ranked = sorted(margins, reverse=True)
    gap = abs(ranked[0]) if len(ranked) == 1 else ranked[0] - ranked[1]
    return 1.0 / (1.0 + exp(-min(gap, 700.0)))


def choose(
    candidates: Sequence[Candidate], *, taken: Collection[str], audit_share: float, rng: np.random.Generator
) -> Choice | None:
    """The next record to review; None where there are no candidates.

    With probability `audit_share` a record drawn uniformly. Else one on which champion and shadow disagree, drawn
    uniformly, since the least certain of those would favour the shadow. Else the least certain of all, the first of
    equals.

    Args:
        candidates: unreviewed ones.
        taken: keys given to a reviewer lately. A record with such a key is a near-duplicate and comes after all others.
        audit_share: in [0, 1].
        rng: drawn from once or twice.
    """
    fresh = [one for one in candidates if one.key not in taken] or candidates
    if not fresh:
        return None
    if rng.random() < audit_share:
        return Choice(_any(fresh, rng), "audit")
    differing = [one for one in fresh if one.disagrees]
    if differing:
        return Choice(_any(differing, rng), "disagree")
    return Choice(min(fresh, key=lambda one: one.certainty), "queue")


def share_under_drift(base: float, drifted: Sequence[str]) -> float:
    """The share of reviews chosen at random: `base`, and at least DRIFTED_SHARE while anything has `drifted`."""
    return max(base, DRIFTED_SHARE) if drifted else base


def _any(found: Sequence[Candidate], rng: np.random.Generator) -> Candidate:
    return found[int(rng.integers(len(found)))]
