"""The rate of work over the last seconds, and that it is steady where the work is."""

from __future__ import annotations

from relearn.agents.availability.rate import Rate
from relearn.agents.worker.heartbeat import RATE_OVER_S


def test_a_rate_is_of_the_last_seconds() -> None:
    """An old burst is forgotten."""
    rate = Rate(window_s=3)
    assert rate.update(0.0, 0) == 0.0
    assert rate.update(1.0, 1000) == 1000.0
    for second in range(2, 10):
        last = rate.update(float(second), 1000)
    assert last == 0.0


def test_a_steady_stream_has_a_steady_rate() -> None:
    """Forty records a second, in chunks of twenty: of one second sixty are counted, or twenty."""
    recent, records, rates = Rate(RATE_OVER_S), 0, []
    recent.update(0.0, 0)
    for beat_number in range(1, 40):
        records += 60 if beat_number % 2 else 20
        rates.append(recent.update(float(beat_number), records))
    assert all(36 <= rate <= 44 for rate in rates[5:])
    stopped = [recent.update(40.0 + i, records) for i in range(6)]
    assert stopped[-1] == 0.0


def test_the_first_rate_is_that_of_the_time_that_has_passed() -> None:
    recent = Rate(RATE_OVER_S)
    recent.update(10.0, 5)
    assert recent.update(12.0, 25) == 10.0
    assert recent.update(12.0, 25) == 10.0
