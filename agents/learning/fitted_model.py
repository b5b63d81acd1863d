"""What a fit gives: the model, and the models without each fold, which answer out of fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relearn.agents.learning.encode import Columns, columns_matrix
from relearn.agents.learning.training_set import folds_of
from relearn.schemas.features import NO_STRINGS, StringOf
from relearn.schemas.model.encoder import Encoder
from relearn.schemas.model.linear_svm import Floats, Model

Classes = NDArray[np.intp]


class FoldModel(NamedTuple):
    """A model of all folds but one, of encoded columns. `seen`: (m,) the classes that it was fitted on, ascending.

    weights: (rows, d), bias: (rows,); one row for m = 2, none for m < 2, else one per class.
    """

    seen: Classes
    weights: Floats
    bias: Floats

    def margins(self, features: Columns, k: int) -> Floats:
        """(n, 1) for k = 2, else (n, k); NaN for a class that it was not fitted on."""
        margins = np.full((features.shape[0], 1 if k == 2 else k), np.nan)
        if not len(self.bias):
            return margins
        found: Floats = features @ self.weights.T + self.bias
        if k == 2:
            return found
        margins[:, self.seen] = np.hstack([-found, found]) if len(self.seen) == 2 else found
        return margins

    def answers(self, features: Columns) -> Classes:
        """(n,): one of the classes it was fitted on; with none of them always class 0."""
        if not len(self.bias):
            return np.full(features.shape[0], self.seen[0] if len(self.seen) else 0, dtype=np.intp)
        found = features @ self.weights.T + self.bias
        answers: Classes = self.seen[(found[:, 0] > 0).astype(np.intp) if len(self.seen) == 2 else found.argmax(axis=1)]
        return answers


class FoldModels(NamedTuple):
    """For each fold the model of the other folds, fitted on no key of that fold; empty: unknown."""

    classes: tuple[str, ...]
    models: tuple[FoldModel, ...]
    encoder: Encoder | None = None

    def answers(self, keys: Sequence[str], features: Floats, string_of: StringOf = NO_STRINGS) -> list[str]:
        """The labels of n records, rows (n, d): each is predicted by the model fitted without its key."""
        columns = columns_matrix(self.encoder, features, string_of)
        return [self.classes[int(i)] for i in answered_out_of_fold(self.models, keys, columns)]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model before it gets its version. weights: (1 or k, d), bias: (1 or k,), mean and scale: (d,), all float64.

    d: the number of features; with an `encoder`, of its columns.
    """

    classes: tuple[str, ...]
    weights: Floats
    bias: Floats
    mean: Floats
    scale: Floats
    calibration: dict[str, Any] | None
    metrics: Mapping[str, Any]
    folds: tuple[FoldModel, ...] = ()
    encoder: Encoder | None = None

    @property
    def fold_models(self) -> FoldModels:
        """The models without each fold."""
        return FoldModels(self.classes, self.folds, self.encoder)

    def as_model(self, version: int, feature_names: tuple[str, ...]) -> Model:
        """The model with its version."""
        return Model(
            version,
            self.classes,
            feature_names,
            self.weights,
            self.bias,
            self.mean,
            self.scale,
            self.calibration,
            self.metrics,
            self.encoder,
        )


def answered_out_of_fold(models: Sequence[FoldModel], keys: Sequence[str], features: Columns) -> Classes:
    """(n,) classes: each record predicted by the model fitted without its fold, and so without its key.

    models: one per fold, without that fold. features: (n, d), encoded.
    """
    folds, answers = folds_of(keys), np.zeros(len(keys), dtype=np.intp)
    for fold, one in enumerate(models):
        held = folds == fold
        if held.any():
            answers[held] = one.answers(features[held])
    return answers
