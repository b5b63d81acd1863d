"""Explains a prediction: what each feature adds to the margin, compared with a record of average features."""

from __future__ import annotations

import numpy as np

from relearn.schemas.model.linear_svm import Floats, Model


def contributions(model: Model, features: Floats, label: str) -> tuple[Floats, float] | None:
    """Each feature's wᵢ(xᵢ - meanᵢ), (d,) float64, and the base w·mean + b: together the margin.

    Two classes: a value above 0 favours `classes[1]`. More: the row of `label` is used, and a value above 0 favours it.

    Args:
        features: (d,) float64, raw, as scored.

    Returns:
        None where record and model don't match: another d, or a class that the model doesn't know.
    """
    if features.shape != model.mean.shape or label not in model.classes:
        return None
    row = 0 if len(model.classes) == 2 else model.classes.index(label)
    weights = model.weights[row]
    with np.errstate(over="ignore", invalid="ignore"):
        return weights * (features - model.mean), float(weights @ model.mean + model.bias[row])
