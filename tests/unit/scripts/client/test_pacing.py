"""Open-loop pacing: the clock decides when a record is due."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.scripts.client.pacing import due_s, wait_s


@given(st.integers(0, 10**9), st.floats(0.001, 1e6), st.floats(0, 1e6))
def test_pacing_follows_the_clock_and_nothing_else(before: int, rate: float, elapsed_s: float) -> None:
    """A record that is late isn't waited for; one that is early is sent when its time comes."""
    wait = wait_s(before, rate, elapsed_s)
    assert wait >= 0
    assert wait == 0 or elapsed_s + wait == pytest.approx(due_s(before, rate))
    assert (wait == 0) == (due_s(before, rate) <= elapsed_s)


def test_without_a_rate_nothing_waits() -> None:
    """As fast as can be."""
    assert wait_s(10**9, None, 0.0) == 0.0
