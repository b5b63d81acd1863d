"""Which record a reviewer is asked about next: one at random, or the one from which most is to be learned."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import exp
from typing import NamedTuple

import numpy as np

from relearn.schemas.identity import Place
from relearn.schemas.messages.feedback import Via

#: While the stream drifts, the least certain records tell least about the others.
DRIFTED_SHARE = 0.5


class Candidate(NamedTuple):
    """An unreviewed prediction: the label that it got, and what `certainty` says of it.

    `key` is what the record is about; `disagrees`: a shadow that is watched now answers otherwise.
    """

    place: Place
    key: str
    features: Sequence[float]
    label: str
    certainty: float
    disagrees: bool


class Choice(NamedTuple):
    """What to ask about, and how it was chosen."""

    candidate: Candidate
    via: Via


def certainty(confidence: float | None, margins: Sequence[float]) -> float:
    """How sure a model is, in [0, 1]: its confidence; unknown, 1 / (1 + e^-gap), so that a larger gap is surer.

    The gap: of two classes how far the margin is from 0, of more the largest margin less the second.
    """
    if confidence is not None:
        return confidence
    ranked = sorted(margins, reverse=True)
    gap = abs(ranked[0]) if len(ranked) == 1 else ranked[0] - ranked[1]
    return 1.0 / (1.0 + exp(-min(gap, 700.0)))


def choose(
    candidates: Sequence[Candidate], *, taken: Collection[str], audit_share: float, rng: np.random.Generator
) -> Choice | None:
    """The next record to ask about; None where there are no candidates.

    With probability `audit_share` any, each record as likely as any other. Else one on which champion and shadow
    disagree, at random: the least certain of those would favour the shadow. Else the least certain of all, the first of
    equals.

    Args:
        candidates: unreviewed ones.
        taken: keys that somebody was asked about lately. Such a record is a near-duplicate, and waits for the others.
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


def audit_share(base: float, drifted: Sequence[str]) -> float:
    """The share of reviews chosen at random: `base`, and at least DRIFTED_SHARE while anything has `drifted`."""
    return max(base, DRIFTED_SHARE) if drifted else base


def _any(found: Sequence[Candidate], rng: np.random.Generator) -> Candidate:
    return found[int(rng.integers(len(found)))]
