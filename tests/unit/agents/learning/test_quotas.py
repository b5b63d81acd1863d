"""Quotas: the whole sample, in proportion, and from nobody more than he has."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.learning.quotas import quotas

N = 500
NEW = st.dictionaries(st.integers(0, 99), st.integers(0, 10**12), max_size=40).filter(
    lambda new: sum(new.values()) >= N
)


@given(NEW)
def test_together_they_are_the_sample(new: dict[int, int]) -> None:
    assert sum(quotas(new, N).values()) == N


@given(NEW)
def test_nobody_gives_more_than_he_has(new: dict[int, int]) -> None:
    assert all(0 < quota <= new[p] for p, quota in quotas(new, N).items())


@given(NEW)
def test_each_gives_his_share_to_within_one(new: dict[int, int]) -> None:
    found, total = quotas(new, N), sum(new.values())
    assert all(abs(found.get(p, 0) - N * count / total) < 1 for p, count in new.items())


def test_of_equal_remainders_the_lower_partition_is_rounded_up() -> None:
    assert quotas({2: 5, 0: 5, 1: 5}, 4) == {0: 2, 1: 1, 2: 1}
