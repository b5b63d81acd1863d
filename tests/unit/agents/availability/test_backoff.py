"""Waits double up to the longest, with jitter, and start again after a success."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.availability.backoff import Backoff


@given(st.floats(0.01, 10.0), st.floats(1.0, 100.0), st.integers(0, 40), st.integers())
def test_each_wait_is_between_half_of_the_doubled_wait_and_all_of_it(
    first_s: float, longest_s: float, before: int, seed: int
) -> None:
    backoff = Backoff(first_s, longest_s, random.Random(seed))
    for failure in range(before + 1):
        whole = min(longest_s, first_s * 2.0**failure)
        assert whole / 2 <= backoff.next_s() <= whole
    assert backoff.failures == before + 1


def test_after_a_success_the_first_wait_is_short_again() -> None:
    backoff = Backoff(1.0, 64.0)
    for _ in range(6):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() <= 1.0
