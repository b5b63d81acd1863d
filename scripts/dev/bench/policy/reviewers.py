"""Kinds of feedback: the answers that each reviewer reviews, and how."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from relearn.agents.learning.review_choice import Candidate, choose
from relearn.schemas.identity import Place
from relearn.schemas.messages.feedback import Via
from relearn.scripts.dev.bench.policy.streams import JUDGED

#: Of five records one is labelled.
BUDGET = 0.2


class Answered(NamedTuple):
    """A record and the champion's answer. `believed`: its label as the reviewer has it, right or not.

    `certainty`: the champion's, in [0, 1]. `shadow`: version and answer of the model that answered beside it.
    """

    place: Place
    key: str
    features: list[float]
    believed: str
    predicted: str
    certainty: float
    model: int
    activation: int
    shadow: tuple[int, str] | None

    def candidate(self, champion: int, shadow: int | None) -> Candidate:
        """The record as the review queue has it, under champion and shadow of those versions."""
        other = None if self.shadow is None or self.shadow[0] != shadow else self.shadow[1]
        disagrees = other not in {None, self.predicted} and self.model == champion
        return Candidate(self.place, self.key, self.features, self.predicted, self.certainty, disagrees)


class Said(NamedTuple):
    """One label, given to one answer."""

    about: Answered
    via: Via


@dataclass(frozen=True, slots=True)
class ReviewView:
    """What a reviewer sees: the newest records, and the latest unreviewed ones.

    `said`: keys that have a review. `champion`, `shadow`: the versions that answer now.
    """

    latest: Sequence[Answered]
    unreviewed: Sequence[Answered]
    said: Collection[str]
    champion: int
    shadow: int | None
    audit_share: float
    rng: np.random.Generator


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of feedback. `flips`: the share of labels that the reviewer has wrong.

    `streams`: those that it is judged on.
    """

    review: Callable[[ReviewView], list[Said]]
    flips: float = 0.0
    streams: tuple[str, ...] = JUDGED

    def believed(self, truth: Sequence[str], classes: Sequence[str], rng: np.random.Generator) -> list[str]:
        """The labels as the reviewer has them; a wrong one is any other class."""
        wrong = rng.random(len(truth)) < self.flips
        return [
            str(rng.choice([one for one in classes if one != label])) if flipped else label
            for label, flipped in zip(truth, wrong, strict=True)
        ]


def corrects_errors(view: ReviewView) -> list[Said]:
    """A volunteer corrects every answer that seems wrong, and skips the others."""
    return [Said(one, "volunteer") for one in view.latest if one.believed != one.predicted]


def labels_all(view: ReviewView) -> list[Said]:
    """Whole batches, label by label."""
    return [Said(one, "batch") for one in view.latest]


def audits(view: ReviewView) -> list[Said]:
    """Records chosen at random, wrong or right."""
    chosen = view.rng.random(len(view.latest)) < view.audit_share
    return [Said(one, "audit") for one, audited in zip(view.latest, chosen, strict=True) if audited]


def works_the_queue(view: ReviewView) -> list[Said]:
    """What the review queue asks for, as much of it as the budget allows; one per key at a time."""
    left = {one.place: one for one in view.unreviewed}
    taken, said = set(view.said), list[Said]()
    for _ in range(int(view.rng.binomial(len(view.latest), BUDGET))):
        candidates = [one.candidate(view.champion, view.shadow) for one in left.values()]
        choice = choose(candidates, taken=taken, audit_share=view.audit_share, rng=view.rng)
        if choice is None:
            break
        said.append(Said(left[choice.candidate.place], choice.via))
        taken.add(choice.candidate.key)
        left = {place: one for place, one in left.items() if one.key != choice.candidate.key}
    return said


_FLIPPED = ("breast_cancer", "digits", "wine", "two_class")
KINDS = {
    "errors": Kind(corrects_errors),
    "all": Kind(labels_all),
    "audit": Kind(audits),
    "queue": Kind(works_the_queue),
    "errors-flipped": Kind(corrects_errors, flips=0.3, streams=_FLIPPED),
    "audit-flipped": Kind(audits, flips=0.3, streams=_FLIPPED),
}
