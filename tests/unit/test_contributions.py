"""Contributions and base sum to the margin, whatever the model and the record."""

from __future__ import annotations

import numpy as np
import pytest

from agents.learning.contributions import deciding_row, explain
from agents.learning.scoring import decide
from schemas.model import Model
from tests.models import a_model


@pytest.mark.parametrize("classes", [("a", "b"), ("a", "b", "c", "d")])
@pytest.mark.parametrize("seed", range(20))
def test_contributions_and_base_sum_to_the_deciding_margin(classes: tuple[str, ...], seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = a_model(classes=classes, seed=seed)
    mean, scale = rng.normal(size=4) * 1e3, np.ones(4)
    model = Model(1, classes, made.feature_names, made.weights, made.bias, mean, scale)
    features = rng.normal(size=(1, 4)) * 1e3
    labels, margins = decide(model, features)
    row = deciding_row(model, classes[labels[0]])
    base, contributions = explain(model, features[0], row)
    tolerance = 1e-9 * max(1.0, abs(model.bias[row]) + float(np.abs(features[0] * model.weights[row]).sum()))
    assert abs(base + contributions.sum() - margins[0, row]) < tolerance


def test_a_feature_at_its_mean_pushes_nowhere() -> None:
    made = a_model()
    model = Model(1, made.classes, made.feature_names, made.weights, made.bias, np.arange(4.0), np.ones(4))
    assert explain(model, [0.0, 1.0, 2.0, 3.0], 0).contributions.tolist() == [0.0] * 4
