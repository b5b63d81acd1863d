"""The trial of a challenger: what it is trained on, and which records judge it (how: see verdict)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from relearn.agents.learning.predict import score
from relearn.agents.learning.reviews import EVIDENCE, Statement, disputed, reviews, without_floods
from relearn.agents.learning.training_set import Example, TrainingSet, training_set
from relearn.schemas.model.linear_svm import Model

#: At most so many assumed examples to each reviewed one.
ASSUMED_PER_REVIEW = 5


@dataclass(frozen=True, slots=True)
class Champion:
    """The model that answers now. `cut`: the newest statement that its training could know; `keys`: what it saw."""

    model: Model
    cut: int
    example_ids: frozenset[int]
    correction_ids: frozenset[int]
    keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class Unreviewed:
    """The champion's latest records of which nothing was said, as assumed examples; `complete`: all there are."""

    examples: Sequence[Example]
    complete: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known at one moment. `bootstrap`: each with the time when it was loaded, epoch seconds.

    `unreviewed`: None where nobody has looked: see `assumes`.
    `newest`: version, state and training set's digest of the model trained last, and `newest_ids` of the reviews in it.
    """

    feature_names: tuple[str, ...]
    bootstrap: Sequence[tuple[float, Example]]
    statements: Sequence[Statement]
    cut: int
    champion: Champion | None
    unreviewed: Unreviewed | None
    newest: tuple[int, str, bytes] | None
    newest_ids: frozenset[int] = frozenset()


class Case(NamedTuple):
    """One record that judges: the right label, and the champion's."""

    key: str
    features: Sequence[float]
    truth: str
    champion: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What a challenger is trained on, and the reviewed records that judge it.

    `evidence`: nobody chose them because of their answers, one per key. `reviewed`: all of the champion's own that were
    reviewed since its cut, as often as they came. `facts` go onto the job.
    """

    champion: Model | None
    examples: TrainingSet
    evidence: Sequence[Case]
    reviewed: Sequence[Case]
    facts: dict[str, Any]


def assumes(snapshot: Snapshot, *, assumed_weight: float, reviewer_labels: int) -> bool:
    """Whether unreviewed predictions join the training set: then `prepare` needs them in its snapshot."""
    return snapshot.champion is not None and _assumes(_counted(snapshot, reviewer_labels)[1], assumed_weight)


def prepare(snapshot: Snapshot, *, assumed_weight: float, reviewer_labels: int) -> Trial:
    """The trial of the next challenger. The same snapshot gives the same trial.

    Args:
        assumed_weight: what an unreviewed prediction's loss counts; 0: none joins.
        reviewer_labels: at most so many new reviews of one reviewer count; the rest wait for later jobs.
    """
    champion = snapshot.champion
    all_reviews, found = _counted(snapshot, reviewer_labels)
    labelled = _labelled(snapshot, found)
    corrections = sum(one.corrects for one in found)
    assumed: list[Example] = []
    if snapshot.unreviewed is not None and _assumes(found, assumed_weight):
        taken = {example.key for example in labelled}
        assumed = choose_assumed(snapshot.unreviewed.examples, taken, ASSUMED_PER_REVIEW * len(found), assumed_weight)
    examples = training_set(snapshot.feature_names, [*labelled, *assumed])
    facts = {
        "cut": snapshot.cut,
        "bootstrap": len(examples.ids_of("bootstrap")),
        "reviewed": len(examples.ids_of("reviewed")),
        "assumed": len(examples.ids_of("assumed")),
        "corrections": corrections,
        "confirmations": len(found) - corrections,
        "waiting_for_later_jobs": len(all_reviews) - len(found),
        "disputed": [str(place) for place in disputed(snapshot.statements)][:100],
    }
    if champion is None:
        return Trial(None, examples, (), (), facts)
    own = [one for one in found if one.model == champion.model.version and one.id > champion.cut]
    reviewed = [Case(one.key, one.features, one.label or "", one.predicted) for one in own]
    return Trial(champion.model, examples, _evidence(champion, found, snapshot.bootstrap), reviewed, facts)


def choose_assumed(candidates: Iterable[Example], taken: set[str], count: int, weight: float) -> list[Example]:
    """At most `count` of the candidates whose key isn't taken, one per key, chosen by hash, not by answer or age."""
    order = sorted(candidates, key=lambda one: hashlib.sha256(str(one.id).encode()).digest())
    chosen: dict[str, Example] = {}
    for one in order:
        if len(chosen) >= count:
            break
        if one.key not in taken and one.key not in chosen:
            chosen[one.key] = one._replace(weight=weight)
    return list(chosen.values())


def _counted(snapshot: Snapshot, reviewer_labels: int) -> tuple[list[Statement], list[Statement]]:
    """All reviews, and those of them that count now."""
    champion, found = snapshot.champion, reviews(snapshot.statements)
    # Also of a model that was rejected: what waits for later jobs must not wait for a promotion.
    known = snapshot.newest_ids | (champion.correction_ids if champion is not None else frozenset())
    return found, without_floods(found, known=known, limit=reviewer_labels)


def _assumes(found: Sequence[Statement], weight: float) -> bool:
    """While corrections outnumber confirmations; otherwise what was reviewed tells enough of what is right."""
    return weight > 0 and 2 * sum(one.corrects for one in found) > len(found)


def _labelled(snapshot: Snapshot, found: Sequence[Statement]) -> list[Example]:
    """Bootstrap examples and reviews, oldest first."""
    dated = [*snapshot.bootstrap, *((one.sent[0], _example(one)) for one in found)]
    return [example for _, example in sorted(dated, key=lambda pair: pair[0])]


def _example(review: Statement) -> Example:
    return Example(review.id, review.key, review.features, review.label or "", "reviewed")


def _evidence(champion: Champion, found: Sequence[Statement], bootstrap: Sequence[tuple[float, Example]]) -> list[Case]:
    """What was learned since the champion's cut about records that nobody picked for their answers; one per key."""
    cases: dict[str, Case] = {}
    later = (example for _, example in bootstrap if example.id not in champion.example_ids)
    unseen = [example for example in later if example.key not in champion.keys]
    for one in found:
        if one.id <= champion.cut or one.via not in EVIDENCE:
            continue
        if one.model == champion.model.version:
            cases[one.key] = Case(one.key, one.features, one.label or "", one.predicted)
        elif one.key not in champion.keys:
            unseen.append(_example(one))
    latest = {example.key: example for example in unseen if example.key not in cases}
    for example, answer in zip(latest.values(), _answers(champion.model, list(latest.values())), strict=True):
        cases[example.key] = Case(example.key, example.features, example.label, answer)
    return list(cases.values())


def _answers(model: Model, examples: Sequence[Example]) -> list[str]:
    if not examples:
        return []
    labels = score(model, np.array([example.features for example in examples], dtype=np.float64)).labels
    return [model.classes[i] for i in labels]
