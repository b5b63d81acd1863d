"""Why a model says what it says: how far each feature pushed the margin, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from schemas.model import Floats, Model


class Explained(NamedTuple):
    """`base` + the sum of `contributions` (d,) is the margin of one row of weights."""

    base: float
    contributions: Floats


def explain(model: Model, features: Sequence[float] | Floats, row: int) -> Explained:
    """How the margin of one row of weights comes about, for (d,) raw features.

    contributionᵢ = wᵢ·(xᵢ - meanᵢ) and base = b + Σ wᵢ·meanᵢ: a feature at its mean pushes nowhere. Two classes have
    row 0 alone; more have one row per class.
    """
    weights = model.weights[row]
    return Explained(
        float(model.bias[row] + weights @ model.mean), weights * (np.asarray(features, dtype=np.float64) - model.mean)
    )


def deciding_row(model: Model, label: str) -> int:
    """The row of weights that decides on `label`: the only one of two classes, else the label's own."""
    return 0 if len(model.classes) == 2 else model.classes.index(label)
