"""The trial of a challenger: what it is trained on, and which records judge it (how they judge: `gate`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from relearn.agents.learning.assumed import choose_assumed, some_join
from relearn.agents.learning.evidence import Case, evidence, review_case, review_example
from relearn.agents.learning.reviews import Statement, disputed, limit_new_keys, reviews
from relearn.agents.learning.snapshot import Snapshot
from relearn.agents.learning.training_set import Example, TrainingSet, set_digest, training_set
from relearn.agents.learning.usable import UsableRows
from relearn.schemas.model.linear_svm import Model

#: Maximum number of limited reviewers that a job names.
LIMITED_NAMED = 20


@dataclass(frozen=True, slots=True)
class Trial:
    """What a challenger is trained on, and the reviewed records that judge it.

    `evidence`: records not chosen because of their answers, one per key. `reviewed`: all of the champion's own records
    reviewed since its cut, one per record. `facts` are stored with the job. `withdrawn`: labels of withdrawn examples.
    """

    champion: Model | None
    examples: TrainingSet
    evidence: Sequence[Case]
    reviewed: Sequence[Case]
    facts: dict[str, Any]
    withdrawn: frozenset[str] = frozenset()


def assumes(snapshot: Snapshot, *, assumed_weight: float, reviewer_labels: int) -> bool:
    """Whether unreviewed predictions join the training set: then `prepare` needs them in its snapshot."""
    return snapshot.champion is not None and some_join(_counted(snapshot, reviewer_labels)[1], assumed_weight)


def prepare(snapshot: Snapshot, *, assumed_weight: float, reviewer_labels: int) -> Trial:
    """The trial of the next challenger. The same snapshot gives the same trial.

    Args:
        assumed_weight: weight of an unreviewed prediction's loss; 0: none joins.
        reviewer_labels: maximum number of new keys that count per sender; the others wait for later jobs.
    """
    champion = snapshot.champion
    all_reviews, counted = _counted(snapshot, reviewer_labels)
    candidates = () if snapshot.unreviewed is None else snapshot.unreviewed.examples
    loaded = [example for _, example in snapshot.bootstrap]
    every = [one.features for rows in (loaded, counted, candidates) for one in rows]
    usable = UsableRows(snapshot.feature_names, every)
    found = usable.of("reviewed", counted, _features_of, _id_of)
    bootstrap = usable.of("bootstrap", snapshot.bootstrap, lambda dated: dated[1].features, lambda dated: dated[1].id)
    labelled = _labelled(bootstrap, found)
    corrections = sum(one.corrects for one in found)
    assumed: list[Example] = []
    if snapshot.unreviewed is not None and some_join(counted, assumed_weight):
        taken = {example.key for example in labelled}
        some = usable.of("assumed", candidates, _features_of, _id_of)
        assumed = choose_assumed(some, taken, len(found), assumed_weight)
    classes = () if champion is None else champion.model.classes
    examples = training_set(snapshot.feature_names, [*labelled, *assumed], keep_classes=classes)
    facts = {
        "cut": snapshot.cut,
        "bootstrap": len(examples.ids_of("bootstrap")),
        "reviewed": len(examples.ids_of("reviewed")),
        "assumed": len(examples.ids_of("assumed")),
        "corrections": corrections,
        "confirmations": len(found) - corrections,
        "waiting_for_later_jobs": len(all_reviews) - len(counted),
        "limited": _limited(all_reviews, counted),
        "left_out": usable.left_out.fields(),
        "disputed": [str(place) for place in disputed(snapshot.statements)][:100],
    }
    if champion is None:
        return Trial(None, examples, (), (), facts)
    own = [one for one in found if one.model == champion.model.version and one.id > champion.cut]
    reviewed = [review_case(one) for one in own]
    return Trial(champion.model, examples, evidence(champion, found, bootstrap), reviewed, facts, snapshot.withdrawn)


def nothing_new(snapshot: Snapshot, trial: Trial) -> str | None:
    """Why a training would learn nothing: its examples are those of the model trained last. None where they differ."""
    if snapshot.newest is None or snapshot.newest[2] != set_digest(trial.examples):
        return None
    version, state, _ = snapshot.newest
    which = "the champion" if state == "champion" else state
    return f"nothing new to learn: model {version}, {which}, was trained on these very examples"


def _counted(snapshot: Snapshot, reviewer_labels: int) -> tuple[list[Statement], list[Statement]]:
    """All reviews, and those of them that count now."""
    champion, found = snapshot.champion, reviews(snapshot.statements)
    # Also those of a rejected model: reviews that wait for later jobs must not wait for a promotion.
    known = snapshot.newest_ids | (champion.correction_ids if champion is not None else frozenset())
    return found, limit_new_keys(found, known=known, limit=reviewer_labels, trusted=snapshot.trusted)


def _limited(found: Sequence[Statement], counted: Sequence[Statement]) -> list[dict[str, Any]]:
    """The senders whose reviews wait for later jobs, those with most first."""
    kept = {one.id for one in counted}
    waiting = Counter((one.reviewer, one.principal) for one in found if one.id not in kept)
    most = sorted(waiting.items(), key=lambda item: (-item[1], *map(str, item[0])))[:LIMITED_NAMED]
    return [{"reviewer": reviewer, "key": key, "reviews": reviews} for (reviewer, key), reviews in most]


def _labelled(bootstrap: Sequence[tuple[float, Example]], found: Sequence[Statement]) -> list[Example]:
    """Bootstrap examples and reviews, oldest first."""
    dated = [*bootstrap, *((one.sent[0], review_example(one)) for one in found)]
    return [example for _, example in sorted(dated, key=lambda pair: pair[0])]


def _features_of(row: Example | Statement) -> Sequence[float]:
    return row.features


def _id_of(row: Example | Statement) -> object:
    return row.id
