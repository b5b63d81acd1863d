"""Accuracy over labels: the champion of each moment, and scikit-learn trained on all labels that had come by then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relearn.agents.learning.fit import C_CHOICE, C_FEW, CHOOSE_FROM
from relearn.agents.learning.reviews import Statement
from relearn.agents.learning.training_set import FOLDS, folds_of
from relearn.schemas.model.linear_svm import Floats, Model
from relearn.scripts.data.accuracy import accuracy
from relearn.scripts.data.datasets import Dataset
from relearn.scripts.dev.bench.learn.watch import Sample

#: Label counts at which scikit-learn is trained.
POINTS = 20
#: Labels, the newest, that choose C; all of them are fitted.
CHOOSING = 2000
Labels = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Point:
    """The state at one label count, and the accuracies of champion and scikit-learn on the held-back records.

    `c`: scikit-learn's C.
    """

    at_s: float
    labels: int
    untrained: int
    champion: int
    accuracy: float
    reference: float
    c: float

    @property
    def gap(self) -> float:
        """How far the champion is behind scikit-learn; negative: ahead."""
        return self.reference - self.accuracy


@dataclass(frozen=True, slots=True)
class Labelled:
    """All labelled rows in the order in which they came: the first model's, then one per label. features: (n, d).

    `first`: how many are the first model's.
    """

    features: Floats
    labels: Labels
    folds: NDArray[np.int_]
    first: int

    @classmethod
    def of(cls, first: Dataset, statements: Sequence[Statement]) -> Labelled:
        """Every label is a row: what a subject was labelled before isn't replaced."""
        features = np.array([*first.features, *(one.features for one in statements)], dtype=np.float64)
        labels = np.array([*(first.labels or ()), *(str(one.label) for one in statements)])
        return cls(features, labels, folds_of((*first.subjects, *(one.key for one in statements))), len(first))


def checkpoints(samples: Sequence[Sample], n: int = POINTS) -> list[Sample]:
    """At most `n` samples, evenly spread over the label counts; the first and the last always."""
    if not samples:
        return []
    counts = np.array([one.labels for one in samples])
    wanted = np.linspace(counts[0], counts[-1], n - 1)
    chosen = {int(np.searchsorted(counts, round(count))) for count in wanted}
    return [samples[i] for i in sorted({*chosen, len(samples) - 1})]


def curve(
    samples: Sequence[Sample],
    labelled: Labelled,
    right: Mapping[int, float],
    held_back: Dataset,
    on_point: Callable[[int], None] = lambda done: None,
) -> list[Point]:
    """A point per sample. `right`: the accuracy of each model on the held-back records."""
    found = []
    for one in samples:
        reference, c = reference_accuracy(labelled, one.labels, held_back)
        found.append(
            Point(one.at_s, one.labels, one.untrained, one.champion, right[one.champion], reference, c),
        )
        on_point(len(found))
    return found


def accuracies(models: Mapping[int, Model], held_back: Dataset) -> dict[int, float]:
    """The accuracy of each model, by version."""
    return {version: accuracy(model, held_back) for version, model in sorted(models.items())}


def mean_gap(points: Sequence[Point], *, after_s: float = 0.0) -> float | None:
    """The mean of the gaps after a time; None: there is no such point."""
    gaps = [one.gap for one in points if one.at_s > after_s]
    return float(np.mean(gaps)) if gaps else None


def reference_accuracy(labelled: Labelled, labels: int, held_back: Dataset) -> tuple[float, float]:
    """The accuracy on the held-back records of scikit-learn trained on the first `labels` labels, and its C.

    C is chosen as the product does, by five folds of keys; of many labels, the newest choose.
    """
    n = labelled.first + labels
    features, y = labelled.features[:n], labelled.labels[:n]
    c = _choose_c(features[-CHOOSING:], y[-CHOOSING:], labelled.folds[:n][-CHOOSING:])
    truth = np.array(held_back.labels)
    return float(np.mean(_answers(features, y, held_back.features, c) == truth)), c


def _choose_c(features: Floats, y: Labels, folds: NDArray[np.int_]) -> float:
    if len(y) < CHOOSE_FROM:
        return C_FEW
    right = dict.fromkeys(C_CHOICE, 0)
    for fold in range(FOLDS):
        held = folds == fold
        if held.any() and len(np.unique(y[~held])) > 1:
            for c in C_CHOICE:
                right[c] += int(np.sum(_answers(features[~held], y[~held], features[held], c) == y[held]))
    return max(C_CHOICE, key=lambda c: (right[c], -c))


def _answers(features: Floats, y: Labels, asked: Floats, c: float) -> Labels:
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415 - takes a second to import
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415 - the same
    from sklearn.svm import LinearSVC  # noqa: PLC0415 - the same

    svm = LinearSVC(class_weight="balanced", dual=False, C=c)
    answers: Labels = make_pipeline(StandardScaler(), svm).fit(features, y).predict(asked)
    return answers
