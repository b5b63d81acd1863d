"""Which records are evidence between champion and challenger: reviewed since the cut, and not chosen by reviewers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from relearn.agents.learning.predict import score
from relearn.agents.learning.reviews import EVIDENCE, Statement
from relearn.agents.learning.snapshot import Champion
from relearn.agents.learning.training_set import Example
from relearn.schemas.model.linear_svm import Model


class Case(NamedTuple):
    """One record that judges: the right label, and the champion's."""

    key: str
    features: Sequence[float]
    truth: str
    champion: str


def evidence(
    champion: Champion, reviews: Sequence[Statement], bootstrap: Sequence[tuple[float, Example]]
) -> list[Case]:
    """The records that judge, one per key: labelled since the champion's cut, and not picked because of their answers.

    A review of one of the champion's own predictions is judged by the answer stored then; any other record by the
    champion's answer now, where the champion was not trained on its key.
    """
    cases: dict[str, Case] = {}
    later = (example for _, example in bootstrap if example.id not in champion.example_ids)
    unseen = [example for example in later if example.key not in champion.keys]
    for one in reviews:
        if one.id <= champion.cut or one.via not in EVIDENCE:
            continue
        if one.model == champion.model.version:
            cases[one.key] = review_case(one)
        elif one.key not in champion.keys:
            unseen.append(review_example(one))
    latest = {example.key: example for example in unseen if example.key not in cases}
    for example, answer in zip(latest.values(), _answers(champion.model, list(latest.values())), strict=True):
        cases[example.key] = Case(example.key, example.features, example.label, answer)
    return list(cases.values())


def review_case(review: Statement) -> Case:
    """The record of a review, with the answer stored when it was scored."""
    return Case(review.key, review.features, review.label or "", review.predicted)


def review_example(review: Statement) -> Example:
    """The record of a review as an example to train on."""
    return Example(review.id, review.key, review.features, review.label or "", "reviewed")


def _answers(model: Model, examples: Sequence[Example]) -> list[str]:
    if not examples:
        return []
    labels = score(model, np.array([example.features for example in examples], dtype=np.float64)).labels
    return [model.classes[i] for i in labels]
