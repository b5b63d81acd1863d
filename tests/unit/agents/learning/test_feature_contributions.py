"""A margin taken apart: base and contributions are the margin again, for whatever model and record."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.learning.feature_contributions import contributions
from relearn.agents.learning.predict import predict
from relearn.schemas.model.linear_svm import Floats, Model
from tests.support.data.models import a_model

CLASSES = st.sampled_from([("no", "yes"), ("a", "b", "c"), tuple("abcdefghij")])


def a_case(seed: int, d: int, classes: tuple[str, ...], scale: float) -> tuple[Model, Floats]:
    """A model with means, and a record near them; numbers of about `scale`."""
    rng = np.random.default_rng(seed)
    model = dataclasses.replace(a_model(d=d, classes=classes, seed=seed), mean=rng.normal(size=d) * scale)
    return model, model.mean + rng.normal(size=d) * scale


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), CLASSES, st.sampled_from([1e-6, 1.0, 1e6, 1e12]))
def test_base_and_contributions_are_the_winning_margin(
    seed: int, d: int, classes: tuple[str, ...], scale: float
) -> None:
    model, features = a_case(seed, d, classes, scale)
    labels, margins = predict(model, features[None, :])
    winner = int(labels[0])
    found = contributions(model, features, None, classes[winner])
    assert found is not None
    each, base, words = found
    assert words == {}
    row = 0 if len(classes) == 2 else winner
    size = abs(model.bias[row]) + np.abs(model.weights[row] * features).sum()
    assert abs(base + each.sum() - margins[0, row]) <= 1e-9 * max(1.0, size)


def test_an_average_record_has_no_contributions() -> None:
    model, _ = a_case(3, 5, ("no", "yes"), 1.0)
    found = contributions(model, model.mean, None, "yes")
    assert found is not None
    np.testing.assert_array_equal(found[0], np.zeros(5))
    assert found[1] == pytest.approx(predict(model, model.mean[None, :])[1][0, 0])


@pytest.mark.parametrize(("d", "label"), [(3, "yes"), (5, "yes"), (4, "another")])
def test_what_is_not_of_the_model_has_no_explanation(d: int, label: str) -> None:
    assert contributions(a_model(d=4, classes=("no", "yes")), np.zeros(d), None, label) is None
