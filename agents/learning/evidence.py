"""Which records are evidence between champion and challenger: reviewed since the cut, and not chosen by reviewers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from relearn.agents.learning.predict import score
from relearn.agents.learning.reviews import EVIDENCE, Statement
from relearn.agents.learning.snapshot import Champion
from relearn.agents.learning.training_set import Example
from relearn.agents.learning.usable_rows import scorable
from relearn.schemas.features import NO_STRINGS, StringOf
from relearn.schemas.model.linear_svm import Features, Floats


class Case(NamedTuple):
    """One record that judges: the right label, and the champion's."""

    key: str
    features: Features
    truth: str
    champion: str


def evidence(
    champion: Champion,
    reviews: Sequence[Statement],
    bootstrap: Sequence[tuple[float, Example]],
    string_of: StringOf = NO_STRINGS,
) -> list[Case]:
    """The records that judge, one per key: labelled since the champion's cut, and not picked because of their answers.

    The champion answers a record of a key that it was trained on out of fold: it knows that key better than any record
    to come. Where its fold models are unknown, only its own predictions judge it, by the answer stored then. Any other
    review of its own predictions is judged by the stored answer, and any other record by its answer now.
    """
    refits = bool(champion.folds.models)
    stored: dict[str, Case] = {}
    others = {example.key: example for _, example in bootstrap if example.id not in champion.example_ids}
    for one in reviews:
        if one.id <= champion.cut or one.via not in EVIDENCE:
            continue
        known = one.key in champion.keys
        if one.model == champion.model.version and not (known and refits):
            stored[one.key] = review_case(one)
            others.pop(one.key, None)
        elif refits or not known:
            others[one.key] = review_example(one)
            stored.pop(one.key, None)
    model = champion.model
    fair = (example for example in others.values() if refits or example.key not in champion.keys)
    # A champion that was trained before values could be missing has no answer to a record with a gap.
    scored = champion.scored

    def row_of(one: Example) -> Features:
        return one.features if scored is None else scored.row(one.features)

    rest, features = scorable(fair, row_of, len(model.schema), model.encoder)
    cases = {
        example.key: Case(example.key, example.features, example.label, answer)
        for example, answer in zip(rest, _answers(champion, rest, features, string_of), strict=True)
    }
    return list((stored | cases).values())


def review_case(review: Statement) -> Case:
    """The record of a review, with the answer stored when it was scored."""
    return Case(review.key, review.features, review.label or "", review.predicted)


def review_example(review: Statement) -> Example:
    """The record of a review as an example to train on."""
    return Example(review.id, review.key, review.features, review.label or "", "reviewed")


def _answers(champion: Champion, examples: Sequence[Example], features: Floats, string_of: StringOf) -> list[str]:
    """The champion's answers, to keys that it was trained on out of fold. features: (n, d), the examples' rows."""
    if not examples:
        return []
    keys = [example.key for example in examples]
    answers = [champion.model.classes[i] for i in score(champion.model, features, string_of).labels]
    if not champion.folds.models:
        return answers
    refitted = champion.folds.answers(keys, features, string_of)
    return [refitted[i] if key in champion.keys else answers[i] for i, key in enumerate(keys)]
