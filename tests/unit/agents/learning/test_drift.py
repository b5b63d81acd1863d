"""Drift: live records against the champion's first ones; quiet without drift, never blind to it, never broken."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from relearn.agents.learning.drift import (
    BINS,
    REFERENCE,
    WINDOW,
    Comparison,
    Reference,
    compare,
    drifted,
    reference,
    reference_fields,
    reference_from_fields,
    sample_quotas,
    update_streak,
)
from relearn.schemas.model.linear_svm import Floats

Draw = Callable[[np.random.Generator, int], Floats]
D = 30
LARGEST = float(np.finfo(np.float64).max)
new_records = st.dictionaries(st.integers(0, 99), st.integers(0, 10**12), max_size=40).filter(
    lambda new: sum(new.values()) >= WINDOW
)


def _normal(rng: np.random.Generator, n: int) -> Floats:
    return rng.normal(size=(n, D))


def _tied(rng: np.random.Generator, n: int) -> Floats:
    """Pixels: integers from 0 to 16, most of them 0 in some columns and few in others."""
    zero = rng.random((n, D)) < np.linspace(0.0, 0.98, D)
    return np.where(zero, 0.0, rng.integers(0, 17, (n, D)))


def _rare(rng: np.random.Generator, n: int) -> Floats:
    return (rng.random((n, D)) < 0.02).astype(np.float64)


def _first(features: Floats) -> Reference:
    return reference([f"x{i}" for i in range(features.shape[1])], features, features[:, 0])


def _window(before: Reference, features: Floats) -> Comparison:
    return compare(before, features, features[:, 0])


def _drifted(comparison: Comparison) -> set[str]:
    return {name for name, shift in comparison.shifts.items() if shift.drifted}


@pytest.mark.parametrize("draw", [_normal, _tied, _rare])
def test_without_drift_at_most_one_window_in_a_hundred_reports_drift(draw: Draw) -> None:
    rng = np.random.default_rng(11)
    alarms = 0
    for _ in range(20):
        before = _first(draw(rng, REFERENCE))
        alarms += sum(bool(_drifted(_window(before, draw(rng, WINDOW)))) for _ in range(15))
    assert alarms <= 3


def test_without_drift_psi_is_about_zero_and_p_is_evenly_spread() -> None:
    rng = np.random.default_rng(12)
    pairs = [(_first(_normal(rng, REFERENCE)), _normal(rng, WINDOW)) for _ in range(40)]
    shifts = [shift for before, live in pairs for shift in _window(before, live).shifts.values()]
    assert abs(np.mean([shift.psi for shift in shifts])) < 0.003
    assert 0.03 < np.mean([shift.p < 0.05 for shift in shifts]) < 0.07


def test_a_shift_of_three_quarters_of_a_deviation_is_always_seen() -> None:
    rng = np.random.default_rng(13)
    for _ in range(100):
        before, live = _first(rng.normal(size=(REFERENCE, 3))), rng.normal(size=(WINDOW, 3))
        live[:, 1] += rng.choice([-0.75, 0.75])
        assert _drifted(_window(before, live)) == {"x1"}


def test_a_margin_that_shifts_is_seen_where_the_features_do_not() -> None:
    rng = np.random.default_rng(14)
    before = reference(["a"], rng.normal(size=(REFERENCE, 1)), rng.normal(size=REFERENCE))
    assert _drifted(compare(before, rng.normal(size=(WINDOW, 1)), rng.normal(size=WINDOW) + 1)) == {"margin"}


@pytest.mark.parametrize("constant", [0.0, -3.5, 1e300, -1e300, LARGEST])
def test_a_constant_feature_that_begins_to_vary_is_seen(constant: float) -> None:
    before = _first(np.full((REFERENCE, 1), constant))
    assert [len(counts) for counts in before.counts] == [3, 3]
    assert _drifted(_window(before, np.full((WINDOW, 1), constant))) == set()
    for other in (constant / 2 + 1.0, -constant - 1.0, np.nextafter(constant, 0.0) if constant else 5e-324):
        live = np.full((WINDOW, 1), constant)
        live[::5] = other
        assert _drifted(_window(before, live)) == {"x0", "margin"}


@pytest.mark.parametrize("zeros", [0.15, 0.5, 0.98])
def test_values_below_the_smallest_and_above_the_largest_are_seen_where_many_are_equal(zeros: float) -> None:
    rng = np.random.default_rng(15)
    ordinary = np.where(rng.random((REFERENCE, 1)) < zeros, 0.0, rng.integers(1, 17, (REFERENCE, 1)))
    live = ordinary[:WINDOW].copy()
    below = np.where(live == 0, -1.0, live)
    assert _drifted(_window(_first(ordinary), below)) == {"x0", "margin"}
    above = np.where(live == 0, 1.0, live)
    assert _drifted(_window(_first(-ordinary), -below)) == {"x0", "margin"}
    assert _drifted(_window(_first(ordinary), live)) == set()
    assert (zeros < 0.5) or _drifted(_window(_first(ordinary), above)) == {"x0", "margin"}


def test_what_leaves_a_frequent_value_for_either_side_is_seen() -> None:
    """Its neighbours don't hide it: a value that two deciles fall on has a bin of its own."""
    rng = np.random.default_rng(16)
    around = rng.normal(size=(REFERENCE, 1))
    before = _first(np.where(rng.random((REFERENCE, 1)) < 0.9, 0.0, around))
    live = np.where(rng.random((WINDOW, 1)) < 0.5, 0.0, -np.abs(rng.normal(size=(WINDOW, 1))))
    assert _drifted(_window(before, live)) == {"x0", "margin"}


columns = st.lists(
    st.one_of(
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from([0.0, -0.0, 1.0, 1e300, -1e300, LARGEST, -LARGEST, 5e-324]),
    ),
    min_size=1,
    max_size=60,
).map(lambda values: np.array(values).reshape(-1, 1))
oddities = st.lists(st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1.0]), min_size=1).map(
    lambda values: np.array(values).reshape(-1, 1)
)


@given(columns | oddities, columns | oddities)
def test_any_numbers_give_numbers(first: Floats, later: Floats) -> None:
    """Huge, constant or tied; not even margins that overflowed break it."""
    before = _first(first)
    for edges, counts in zip(before.edges, before.counts, strict=True):
        assert 2 <= len(counts) == len(edges) + 1 <= BINS
        assert np.isfinite(edges).all()
        assert list(edges) == sorted(set(edges))
        assert sum(counts) == before.n == len(first)
    for shift in _window(before, later).shifts.values():
        assert np.isfinite([shift.psi, shift.p]).all()
        assert 0 <= shift.p <= 1
        assert sum(shift.counts) == len(later)


@given(columns, columns, st.integers(0, 2**32 - 1))
def test_the_order_of_rows_changes_nothing(first: Floats, later: Floats, seed: int) -> None:
    rng = np.random.default_rng(seed)
    before, shuffled = _first(first), _first(rng.permutation(first))
    assert json.dumps(reference_fields(before)) == json.dumps(reference_fields(shuffled))
    assert _window(before, later) == _window(before, rng.permutation(later))


@given(columns)
def test_a_reference_survives_json(features: Floats) -> None:
    before = _first(features)
    again = reference_from_fields(json.loads(json.dumps(reference_fields(before))))
    assert again == before
    assert _window(again, features) == _window(before, features)


@given(columns, columns)
def test_inputs_stay_as_they_were(first: Floats, later: Floats) -> None:
    kept = first.copy(), later.copy()
    for array in (first, later):
        array.setflags(write=False)
    _window(_first(first), later)
    np.testing.assert_array_equal(kept[0], first)
    np.testing.assert_array_equal(kept[1], later)


def test_psi_and_p_are_those_of_their_formulas() -> None:
    before = Reference(("a", "margin"), ((0.0,), (0.0,)), ((60, 40), (50, 50)), 100)
    shift = compare(before, np.repeat([[-1.0], [1.0]], [10, 40], axis=0), np.zeros(50)).shifts["a"]
    expected, live, noise = np.array([60.5, 40.5]) / 101, np.array([10.5, 40.5]) / 51, 1 / 100 + 1 / 50
    raw = ((live - expected) * np.log(live / expected)).sum()
    assert shift.counts == (10, 40)
    assert shift.psi == pytest.approx(raw - noise)
    assert shift.p == pytest.approx(chi2.sf(raw / noise, 1))
    assert shift.drifted


def test_a_few_records_are_no_drift_for_being_few() -> None:
    """Of fifty records PSI alone would now and then say so; that it can be chance is for p to tell."""
    rng = np.random.default_rng(17)
    windows = [_window(_first(_normal(rng, REFERENCE)), _normal(rng, 50)) for _ in range(20)]
    assert max(shift.psi for one in windows for shift in one.shifts.values()) > 0.25
    assert [_drifted(one) for one in windows] == [set()] * 20


def test_one_window_alone_is_no_drift() -> None:
    rng = np.random.default_rng(18)
    before = _first(rng.normal(size=(REFERENCE, 2)))
    usual, shifted = (rng.normal((0.0, by), size=(WINDOW, 2)) for by in (0.0, 2.0))
    once = update_streak({}, _window(before, shifted))
    assert (once, drifted(once)) == ({"x1": 1}, ())
    twice = update_streak(once, _window(before, shifted))
    assert (twice, drifted(twice)) == ({"x1": 2}, ("x1",))
    assert update_streak(twice, _window(before, usual)) == {}
    assert json.loads(json.dumps(twice)) == twice


def test_a_feature_called_margin_is_kept_apart() -> None:
    before = reference(["margin", "b"], np.zeros((5, 2)), np.zeros(5))
    assert before.names == ("margin", "b", "margin_")


@pytest.mark.parametrize(
    ("features", "margins"),
    [(np.zeros((0, 2)), np.zeros(0)), (np.zeros((5, 3)), np.zeros(5)), (np.zeros((5, 2)), np.zeros(4))],
)
def test_what_does_not_fit_is_refused(features: Floats, margins: Floats) -> None:
    with pytest.raises(ValueError):
        reference(["a", "b"], features, margins)
    with pytest.raises(ValueError):
        compare(_first(np.zeros((5, 2))), features, margins)


@given(new_records)
def test_quotas_add_up_to_the_sample(new: dict[int, int]) -> None:
    assert sum(sample_quotas(new, WINDOW).values()) == WINDOW


@given(new_records)
def test_no_partition_gives_more_than_it_has(new: dict[int, int]) -> None:
    assert all(0 < quota <= new[p] for p, quota in sample_quotas(new, WINDOW).items())


@given(new_records)
def test_each_partition_gives_its_share_to_within_one(new: dict[int, int]) -> None:
    found, total = sample_quotas(new, WINDOW), sum(new.values())
    assert all(abs(found.get(p, 0) - WINDOW * count / total) < 1 for p, count in new.items())


def test_of_equal_remainders_the_lower_partition_is_rounded_up() -> None:
    assert sample_quotas({2: 5, 0: 5, 1: 5}, 4) == {0: 2, 1: 1, 2: 1}


def test_what_is_missing_has_a_bin_of_its_own() -> None:
    """A tenth of the values that are missing from now on is drift; large values are not taken for missing ones."""
    rng = np.random.default_rng(4)
    first, later = rng.normal(size=(1000, 2)), rng.normal(size=(500, 2))
    margins = rng.normal(size=1000)
    known = reference(("a", "b"), first, margins, np.array([True, False]))
    assert [len(edges) for edges in known.edges] == [10, 9, 9]
    assert known.counts[0][-1] == 0
    later[:60, 0] = np.nan
    found = compare(known, later, margins[:500])
    assert found.shifts["a"].counts[-1] == 60
    assert (found.shifts["a"].drifted, found.shifts["b"].drifted) == (True, False)
