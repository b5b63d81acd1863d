"""The shift of the drift scenario: six features, and the champion errs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relearn.agents.learning.fit import fit
from relearn.agents.learning.training_set import Example, training_set
from relearn.schemas.features import numbers_alone
from relearn.schemas.model.linear_svm import Model
from relearn.scripts.data.accuracy import accuracy
from relearn.scripts.data.datasets import Dataset, load_dataset
from relearn.scripts.demo.options import split_data
from relearn.scripts.demo.traffic.shift import BY_SD, FEATURES, MAX_ACCURACY, choose_shift

CANCER = load_dataset("breast_cancer")


def champion_of(training: Dataset) -> Model:
    """The demo's first one."""
    rows = zip(training.subjects, training.features.tolist(), training.labels or (), strict=True)
    examples = [Example(i, subject, features, label) for i, (subject, features, label) in enumerate(rows)]
    return fit(training_set(numbers_alone(training.feature_names), examples)).as_model(1, training.feature_names)


@pytest.mark.parametrize("seed", range(5))
def test_a_shift_moves_six_readings_and_the_model_falls(seed: int) -> None:
    """By two of their standard deviations; the others, labels and subjects stay, and the same seed shifts the same."""
    parts = split_data(CANCER, 60, seed)
    real, model = parts.real, champion_of(parts.training)
    shift = choose_shift(model, real, seed)
    after = shift.apply(real)
    moved = after.features - real.features
    chosen = [real.feature_names.index(name) for name in shift.names]
    assert len(chosen) == FEATURES
    assert np.allclose(moved[:, chosen], BY_SD * real.features.std(axis=0)[chosen])
    assert not np.delete(moved, chosen, axis=1).any()
    assert (after.labels, after.subjects) == (real.labels, real.subjects)
    assert accuracy(model, real) > 0.9
    assert accuracy(model, after) <= MAX_ACCURACY
    assert choose_shift(model, real, seed).names == shift.names
    assert all(f"{name} +" in shift.text for name in shift.names)


def test_where_no_shift_is_enough_the_worst_is_taken() -> None:
    """A model that looks at nothing doesn't fall at all."""
    parts = split_data(CANCER, 60, 0)
    model = champion_of(parts.training)
    deaf = replace(model, weights=np.zeros_like(model.weights), bias=np.array([1.0]))
    sure = replace(parts.real, labels=(deaf.classes[1],) * len(parts.real))
    shift = choose_shift(deaf, sure, 0)
    assert len(shift.names) == FEATURES
    assert accuracy(deaf, shift.apply(sure)) == 1.0
