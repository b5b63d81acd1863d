"""How long until a process that died is started again."""

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from relearn.scripts.embedded.processes import backoff


@given(st.integers(1, 10_000), st.integers())
def test_the_wait_is_bounded_whatever_happened(deaths: int, seed: int) -> None:
    """Never instant, never longer than the longest."""
    wait = backoff.delay_s(deaths, random.Random(seed))
    assert backoff.FIRST_S / 2 <= wait <= backoff.LONGEST_S


def test_the_wait_doubles_with_each_death() -> None:
    """The same jitter, twice the wait, until the longest."""
    waits = [backoff.delay_s(deaths, random.Random(1)) for deaths in range(1, 6)]
    assert [round(later / earlier, 6) for earlier, later in itertools.pairwise(waits)] == [2.0] * 4


def test_a_steady_life_forgives_earlier_deaths() -> None:
    """The count begins again after a good life and goes on after a short one."""
    assert backoff.deaths_in_a_row(7, backoff.STEADY_S) == 1
    assert backoff.deaths_in_a_row(7, 0.1) == 8
