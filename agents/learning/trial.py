"""The trial of a challenger: what it is trained on, and which records judge it (how they judge: `gate`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from relearn.agents.learning.assumed import choose_assumed, some_join
from relearn.agents.learning.evidence import Case, evidence, review_case, review_example
from relearn.agents.learning.reviews import Statement, first_given
from relearn.agents.learning.sender_limit import Admitted, admitted_reviews
from relearn.agents.learning.snapshot import Knowledge, Snapshot
from relearn.agents.learning.training_set import Example, Source, TrainingSet, training_set
from relearn.agents.learning.usable_rows import UsableRows
from relearn.schemas.features import StringOf
from relearn.schemas.model.linear_svm import Model

#: Maximum number of limited reviewers that a job names.
LIMITED_NAMED = 20


@dataclass(frozen=True, slots=True)
class Trial:
    """What a challenger is trained on, and the reviewed records that judge it.

    `evidence`: records not chosen because of their answers, one per key. `reviewed`: all of the champion's own records
    reviewed since its cut, one per record. `facts` are stored with the job. `withdrawn`: labels of withdrawn examples.
    `string_of`: the string of each code in all of these records.
    """

    champion: Model | None
    examples: TrainingSet
    evidence: Sequence[Case]
    reviewed: Sequence[Case]
    facts: dict[str, Any]
    withdrawn: frozenset[str] = frozenset()
    knowledge: Knowledge = field(default_factory=Knowledge)
    string_of: StringOf = field(default_factory=dict)


def admit(snapshot: Snapshot, *, reviewer_labels: int) -> Admitted:
    """The reviews that the next training learns from. `reviewer_labels`: the maximum number of new keys per sender."""
    champion = snapshot.champion
    # Also those of a rejected model: reviews that wait for later jobs must not wait for a promotion.
    known = _Either(snapshot.newest_ids, champion.correction_ids if champion is not None else frozenset())
    return admitted_reviews(snapshot.statements, known=known, limit=reviewer_labels, trusted=snapshot.trusted)


@dataclass(frozen=True, slots=True)
class _Either(Container[int]):
    one: Container[int]
    other: Container[int]

    def __contains__(self, item: object) -> bool:
        return item in self.one or item in self.other


def assumes(snapshot: Snapshot, admitted: Admitted, *, assumed_weight: float) -> bool:
    """Whether unreviewed predictions join the training set: then `prepare` needs them in its snapshot."""
    return snapshot.champion is not None and some_join(admitted.reviews, assumed_weight)


def prepare(snapshot: Snapshot, admitted: Admitted, *, assumed_weight: float, max_labels: int | None = None) -> Trial:
    """The trial of the next challenger. The same snapshot gives the same trial.

    Args:
        admitted: the snapshot's reviews (see `admit`).
        assumed_weight: weight of an unreviewed prediction's loss; 0: none joins.
        max_labels: number of labelled examples above which a sample of them is used; None: all are.
    """
    champion = snapshot.champion
    counted, waiting, disputed = admitted
    candidates = () if snapshot.unreviewed is None else snapshot.unreviewed.examples
    loaded = [example for _, example in snapshot.bootstrap]
    sources: dict[Source, Sequence[Example | Statement]] = {
        "bootstrap": loaded,
        "reviewed": counted,
        "assumed": candidates,
    }
    usable = UsableRows(snapshot.schema, {source: [one.features for one in rows] for source, rows in sources.items()})
    found = usable.of("reviewed", counted, _id_of)
    bootstrap = usable.of("bootstrap", snapshot.bootstrap, lambda dated: dated[1].id)
    waits = {one.id for one in waiting}
    said = [one for one in snapshot.statements if one.id not in waits] if waits else snapshot.statements
    labelled = _labelled(bootstrap, found, first_given(said, found))
    corrections = sum(one.corrects for one in found)
    assumed: list[Example] = []
    if snapshot.unreviewed is not None and some_join(counted, assumed_weight):
        taken = {example.key for example in labelled}
        some = usable.of("assumed", candidates, _id_of)
        assumed = choose_assumed(some, taken, len(found), assumed_weight)
    classes = () if champion is None else champion.model.classes
    string_of = {**snapshot.string_of, **(snapshot.unreviewed.string_of if snapshot.unreviewed is not None else {})}
    examples = training_set(
        snapshot.schema, [*labelled, *assumed], keep_classes=classes, max_labels=max_labels, string_of=string_of
    )
    used = int(examples.real.sum())
    facts = {
        "cut": snapshot.cut,
        "bootstrap": len(examples.ids_of("bootstrap")),
        "reviewed": len(examples.ids_of("reviewed")),
        "assumed": len(examples.ids_of("assumed")),
        "corrections": corrections,
        "confirmations": len(found) - corrections,
        "labels": {"available": examples.available, "used": used, "limit": max_labels},
        "waiting_for_later_jobs": len(waiting),
        "limited": _limited(waiting),
        "left_out": usable.left_out.fields(),
        "disputed": [str(place) for place in disputed[:100]],
    }
    example_cut = max((int(example.id) for example in loaded), default=0)
    knowledge = Knowledge(snapshot.cut, example_cut, tuple(sorted(waits)), examples.available, max_labels)
    if champion is None:
        return Trial(None, examples, (), (), facts, knowledge=knowledge)
    own = [one for one in found if one.model == champion.model.version and one.id > champion.cut]
    reviewed = [review_case(one) for one in own]
    judging = evidence(champion, found, bootstrap, string_of)
    return Trial(champion.model, examples, judging, reviewed, facts, snapshot.withdrawn, knowledge, string_of)


def _limited(waiting: Sequence[Statement]) -> list[dict[str, Any]]:
    """The senders whose reviews wait for later jobs, those with most first."""
    senders = Counter((one.reviewer, one.principal) for one in waiting)
    most = sorted(senders.items(), key=lambda item: (-item[1], *map(str, item[0])))[:LIMITED_NAMED]
    return [{"reviewer": reviewer, "key": key, "reviews": reviews} for (reviewer, key), reviews in most]


def _labelled(
    bootstrap: Sequence[tuple[float, Example]], found: Sequence[Statement], first: Mapping[int, float]
) -> list[Example]:
    """Bootstrap examples and reviews, oldest first; a review that repeats a label at its `first` arrival, too.

    So a repeated label is no newer than before (see `training_set`), and yet the latest of its key.
    """
    dated = [*bootstrap]
    for one in found:
        example = review_example(one)
        dated += [(first[one.id], example)] if one.id in first else []
        dated.append((one.sent[0], example))
    return [example for _, example in sorted(dated, key=lambda pair: pair[0])]


def _id_of(row: Example | Statement) -> object:
    return row.id
