"""Explains a prediction: what each feature adds to the margin, compared with a record of average features."""

from __future__ import annotations

import numpy as np

from relearn.agents.learning.encode import columns_matrix, feature_sums
from relearn.schemas.model.linear_svm import Floats, Model


def contributions(model: Model, features: Floats, label: str) -> tuple[Floats, float] | None:
    """Each feature's wᵢ(xᵢ - meanᵢ), (d,) float64, and the base w·mean + b: together the margin.

    In the order of the schema. What a category adds is compared with its levels' shares of the training set.

    Two classes: a value above 0 favours `classes[1]`. More: the row of `label` is used, and a value above 0 favours it.

    Args:
        features: (d,) float64, the record's row, as scored.

    Returns:
        None where record and model don't match: another d, or a class that the model doesn't know.
    """
    if features.shape != (len(model.schema),) or label not in model.classes:
        return None
    cells = columns_matrix(model.encoder, features[None])[0]
    row = 0 if len(model.classes) == 2 else model.classes.index(label)
    weights = model.weights[row]
    with np.errstate(over="ignore", invalid="ignore"):
        pushes = feature_sums(model.encoder, weights * (cells - model.mean))
        base = float(weights @ model.mean + model.bias[row])
    in_order = np.empty_like(pushes)
    in_order[[*model.schema.numbers, *model.schema.categories]] = pushes
    return in_order, base
