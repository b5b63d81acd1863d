"""Calibration: what a margin is worth as a probability."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples_of
from hypothesis import strategies as st
from sklearn.calibration import _SigmoidCalibration

from relearn.agents.learning.calibration import calibrate, platt


def _chance(a: float, b: float, margins: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(np.clip(a * margins + b, -700, 700)))


@examples_of(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(20, 200), st.sampled_from([1e-3, 1.0, 1e3]))
def test_probabilities_equal_those_of_scikit_learn(seed: int, n: int, unit: float) -> None:
    rng = np.random.default_rng(seed)
    margins = rng.normal(size=n) * unit
    positive = margins / unit + rng.normal(size=n) > 0.3
    positive[:2] = True, False
    a, b = platt(margins, positive)
    reference = _SigmoidCalibration().fit(margins, positive.astype(int))
    assert _chance(a, b, margins) == pytest.approx(reference.predict(margins), abs=2e-3)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40), st.data())
def test_it_is_finite_for_any_margins(margins: list[float], data: st.DataObject) -> None:
    """Also where all margins are equal, or separate the classes wholly."""
    positive = np.array(data.draw(st.lists(st.booleans(), min_size=len(margins), max_size=len(margins))))
    a, b = platt(np.array(margins), positive)
    assert np.isfinite([a, b]).all()


def test_a_larger_margin_is_a_larger_chance_and_never_certainty() -> None:
    margins = np.linspace(-2, 2, 100)
    a, b = platt(margins, margins > 0)
    chances = _chance(a, b, margins)
    assert (np.diff(chances) > 0).all()
    assert chances.min() > 0
    assert chances.max() < 1


def test_there_is_none_below_ten_examples_in_a_class() -> None:
    y = np.array([0] * 30 + [1] * 9)
    margins = np.linspace(-1, 1, 39).reshape(-1, 1)
    assert calibrate(margins, y, 2) is None
    found = calibrate(np.append(margins, [[1.0]], axis=0), np.append(y, 1), 2)
    assert found is not None
    assert len(found["a"]) == len(found["b"]) == 1


def test_rows_without_a_margin_do_not_count() -> None:
    y = np.repeat(np.arange(3), 10)
    margins = np.random.default_rng(0).normal(size=(30, 3))
    found = calibrate(margins, y, 3)
    assert found is not None
    assert len(found["a"]) == 3
    margins[0, 2] = np.nan
    assert calibrate(margins, y, 3) is None
