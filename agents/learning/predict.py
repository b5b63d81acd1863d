"""Prediction: one matrix product per chunk of records, then a label and a confidence per record."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relearn.agents.learning.encode import Encoded, encode, products
from relearn.schemas.features import NO_STRINGS, StringOf
from relearn.schemas.model.linear_svm import Floats, Model


@dataclass(frozen=True, slots=True)
class Scores:
    """labels: (n,) int16, index into the classes. margins: (n, 1) or (n, k). confidence: (n,) float32 or NaN."""

    labels: NDArray[np.int16]
    margins: Floats
    confidence: NDArray[np.float32]

    def between(self, part: slice) -> Scores:
        """The scores of a slice, as views."""
        return Scores(self.labels[part], self.margins[part], self.confidence[part])

    def select(self, chosen: NDArray[np.intp]) -> Scores:
        """The scores at positions `chosen`, in that order."""
        return Scores(self.labels[chosen], self.margins[chosen], self.confidence[chosen])


def score(model: Model, features: Floats, string_of: StringOf = NO_STRINGS) -> Scores:
    """Score the (n, d) rows of n records: labels and margins as in `predict`, and the model's confidence."""
    return score_encoded(model, encode(model.encoder, features, string_of))


def score_encoded(model: Model, encoded: Encoded) -> Scores:
    """The same of n records that the model's encoder has encoded."""
    labels, margins = _predict(model, encoded)
    return Scores(labels, margins, confidence(model, margins, labels))


def predict(model: Model, features: Floats, string_of: StringOf = NO_STRINGS) -> tuple[NDArray[np.int16], Floats]:
    """Labels (n,), margins (n, 1) or (n, k) of n records, rows (n, d). A margin too large for a float64 isn't finite.

    string_of: the string of each code, where the model has texts.

    Margins equal scikit-learn's `decision_function` within 1e-9·max(1, |b| + Σ|xᵢwᵢ|). Two classes: margin > 0 means
    classes[1], else classes[0]. More: the largest margin wins, the first of equals.
    """
    return _predict(model, encode(model.encoder, features, string_of))


def _predict(model: Model, encoded: Encoded) -> tuple[NDArray[np.int16], Floats]:
    with np.errstate(over="ignore", invalid="ignore"):
        margins = products(encoded, model.weights) + model.bias
    labels = margins[:, 0] > 0 if margins.shape[1] == 1 else margins.argmax(axis=1)
    return labels.astype(np.int16), margins


def confidence(model: Model, margins: Floats, labels: NDArray[np.generic]) -> NDArray[np.float32]:
    """The probability that the label is right, by Platt's sigmoid per row of weights; NaN where the model has none.

    With more than two classes the rows' sigmoids are normalised to sum to one (Zadrozny and Elkan, 2002).
    """
    n = len(margins)
    if model.calibration is None:
        return np.full(n, np.nan, dtype=np.float32)
    a, b = (np.asarray(model.calibration[name], dtype=np.float64) for name in ("a", "b"))
    chance = 1.0 / (1.0 + np.exp(np.clip(a * margins + b, -700, 700)))
    if margins.shape[1] == 1:
        right = np.where(labels.astype(bool), chance[:, 0], 1.0 - chance[:, 0])
    else:
        total = np.maximum(chance.sum(axis=1), np.finfo(np.float64).tiny)
        right = chance[np.arange(n), labels.astype(np.intp)] / total
    return right.astype(np.float32)
