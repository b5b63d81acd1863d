"""Why a model answers as it does: what each feature adds to the margin, against a record that is average in all."""

from __future__ import annotations

import numpy as np

from relearn.schemas.model.linear_svm import Floats, Model


def contributions(model: Model, features: Floats, label: str) -> tuple[Floats, float] | None:
    """Each feature's wᵢ(xᵢ - meanᵢ), (d,) float64, and the base w·mean + b: together the margin.

    Two classes: above 0 speaks for `classes[1]`. More: of the row of `label`, which won, and so for that.

    Args:
        features: (d,) float64, raw, as they were scored.

    Returns:
        None where they aren't of this model: another d, or a class that it doesn't know.
    """
    if features.shape != model.mean.shape or label not in model.classes:
        return None
    row = 0 if len(model.classes) == 2 else model.classes.index(label)
    weights = model.weights[row]
    with np.errstate(over="ignore", invalid="ignore"):
        return weights * (features - model.mean), float(weights @ model.mean + model.bias[row])
