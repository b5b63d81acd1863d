"""The solver: at the optimum whatever the problem, from any start, with few columns and with many."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.svm import LinearSVC

from relearn.agents.learning.solver import solve
from relearn.schemas.model.linear_svm import Floats


def _objective(rows: Floats, signs: Floats, costs: Floats, w: Floats) -> float:
    return float(0.5 * w @ w + costs @ np.maximum(0.0, 1.0 - signs * (rows @ w)) ** 2)


def _excess(rows: Floats, signs: Floats, costs: Floats, w: Floats) -> float:
    """By which share the objective may exceed its minimum at most: half of the gradient's square is a bound."""
    gradient = w - 2.0 * (costs * np.maximum(0.0, 1.0 - signs * (rows @ w)) * signs) @ rows
    return float(0.5 * gradient @ gradient) / max(_objective(rows, signs, costs, w), 1e-300)


def _solved(rows: Floats, signs: Floats, costs: Floats, start: Floats | None = None) -> Floats:
    """The solution of one problem alone, (m,)."""
    (w,) = solve(rows, signs[None], costs[None], None if start is None else start[None])
    return np.asarray(w)


def _problem(rng: np.random.Generator, n: int, m: int) -> tuple[Floats, Floats, Floats]:
    """Separable or not, with repeated rows, constant columns, rows without cost, costs from 1e-3 to 1e3."""
    signs = rng.choice([-1.0, 1.0], n)
    rows = rng.normal(size=(n, m)) + rng.choice([0.0, 0.5, 5.0]) * signs[:, None]
    rows[: n // 3] = rows[0]
    rows[:, -1] = 1.0
    return rows, signs, 10.0 ** rng.uniform(-3, 3) * rng.choice([0.0, 0.2, 1.0, 30.0], n, p=[0.1, 0.3, 0.5, 0.1])


@given(st.integers(0, 2**32 - 1), st.integers(1, 80), st.integers(1, 20))
def test_the_result_is_the_optimum_from_any_start(seed: int, n: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    rows, signs, costs = _problem(rng, n, m)
    for start in (None, rng.normal(size=m), 1e3 * rng.normal(size=m)):
        assert _excess(rows, signs, costs, _solved(rows, signs, costs, start)) <= 1e-9


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 8), st.integers(1, 6))
def test_problems_on_the_same_rows_are_each_at_their_optimum(seed: int, n: int, m: int, k: int) -> None:
    """However many steps the others take."""
    rng = np.random.default_rng(seed)
    rows, _, costs = _problem(rng, n, m)
    signs, many = rng.choice([-1.0, 1.0], (k, n)), costs * 10.0 ** rng.uniform(-2, 2, (k, 1))
    for starts in (None, rng.normal(size=(k, m))):
        found = solve(rows, signs, many, starts)
        assert max(_excess(rows, signs[i], many[i], found[i]) for i in range(k)) <= 1e-9


@given(st.integers(0, 2**32 - 1))
def test_liblinear_finds_nothing_better(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, signs, costs = _problem(rng, 40, 5)
    signs[:2], costs[:2] = (-1.0, 1.0), costs.max() + 1e-3
    reference = LinearSVC(C=1.0, dual=False, fit_intercept=False, tol=1e-9).fit(rows, signs, costs)
    found = _objective(rows, signs, costs, _solved(rows, signs, costs))
    assert found <= _objective(rows, signs, costs, reference.coef_[0]) * (1.0 + 1e-9)


def test_many_columns_take_another_way_to_the_same_optimum() -> None:
    rng = np.random.default_rng(3)
    for m in (1500, 1501):
        rows, signs, costs = _problem(rng, 60, m)
        assert _excess(rows, signs, costs, _solved(rows, signs, costs)) <= 1e-9


def test_the_same_problem_gives_the_same_bytes() -> None:
    rows, signs, costs = _problem(np.random.default_rng(4), 500, 30)
    start = np.full(30, 0.1)
    assert _solved(rows, signs, costs, start).tobytes() == _solved(rows, signs, costs, start).tobytes()
    assert (start == 0.1).all(), "the start is not changed"
