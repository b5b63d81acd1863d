"""Statistics on the counts of two models: the exact sign test, and how records are counted."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from relearn.agents.learning.significance import Tally, sign_test, tally

labels = st.sampled_from("abc")


def test_fixed_and_broken_are_counted_where_one_of_the_two_is_right() -> None:
    truth, champion, challenger = "aaaabc", "abbacb", "babacb"
    assert tally(list(truth), list(champion), list(challenger)) == Tally(fixed=1, broken=1, rows=6)


@given(st.lists(st.tuples(labels, labels, labels)))
def test_swapping_the_two_swaps_fixed_and_broken(rows: list[tuple[str, str, str]]) -> None:
    truth, old, new = ([row[i] for row in rows] for i in range(3))
    found = tally(truth, old, new)
    assert tally(truth, new, old) == Tally(found.broken, found.fixed, found.rows)
    assert tally(truth, old, old) == Tally(0, 0, len(rows))


def test_answers_to_different_records_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        tally(["a", "b"], ["a"], ["a", "b"])


@given(st.integers(0, 40), st.integers(0, 40))
def test_the_sign_test_equals_the_sum_over_all_outcomes(fixed: int, broken: int) -> None:
    n = fixed + broken
    assert sign_test(fixed, broken) == float(Fraction(sum(math.comb(n, k) for k in range(fixed, n + 1)), 2**n))


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_p_falls_with_each_record_fixed_and_rises_with_each_broken(fixed: int, broken: int) -> None:
    p = sign_test(fixed, broken)
    assert 0 < p <= 1
    assert sign_test(fixed + 1, broken) <= p <= sign_test(fixed, broken + 1)


@pytest.mark.parametrize(
    ("fixed", "broken"), [(2600, 2400), (5200, 5000), (10_000, 10_000), (10_100, 9_901), (600_000, 599_000)]
)
def test_it_holds_for_thousands(fixed: int, broken: int) -> None:
    """Also where whole numbers give way to floats, beyond 20,000."""
    assert sign_test(fixed, broken) == pytest.approx(binom.sf(fixed - 1, fixed + broken, 0.5), rel=1e-9)


@pytest.mark.parametrize(("fixed", "p"), [(0, 1.0), (1, 0.5), (4, 1 / 16), (5, 1 / 32)])
def test_five_of_five_are_significant_and_four_are_not(fixed: int, p: float) -> None:
    assert sign_test(fixed, 0) == p


@pytest.mark.parametrize("fixed", [5_000, 50_000])
def test_p_is_never_zero(fixed: int) -> None:
    assert sign_test(fixed, 0) > 0
