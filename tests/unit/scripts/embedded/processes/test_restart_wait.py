"""How long until a process that ended is restarted."""

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.availability.backoff import Backoff
from relearn.scripts.embedded.processes.restart_wait import FIRST_S, LONGEST_S, STEADY_S, RestartWait


class FixedJitter(random.Random):
    """Jitter that is always the same share."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


@given(st.integers(0, 10_000), st.integers())
def test_the_wait_is_bounded_whatever_happened(ends: int, seed: int) -> None:
    """Never instant, never longer than the longest."""
    wait = RestartWait(Backoff(FIRST_S, LONGEST_S, random.Random(seed), failures=ends)).wait_s(0.1)
    assert FIRST_S / 2 <= wait <= LONGEST_S


def test_the_wait_doubles_with_each_end() -> None:
    """The same jitter, twice the wait, until the longest."""
    restarts = RestartWait(Backoff(FIRST_S, LONGEST_S, FixedJitter()))
    waits = [restarts.wait_s(0.1) for _ in range(5)]
    assert [round(later / earlier, 6) for earlier, later in itertools.pairwise(waits)] == [2.0] * 4


def test_a_steady_life_forgives_earlier_ends() -> None:
    """The count begins again after a steady life and goes on after a short one."""
    steady, short = (RestartWait(Backoff(FIRST_S, LONGEST_S, failures=7)) for _ in range(2))
    steady.wait_s(STEADY_S)
    short.wait_s(0.1)
    assert (steady.backoff.failures, short.backoff.failures) == (1, 8)
