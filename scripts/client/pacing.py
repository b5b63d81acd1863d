"""Open-loop pacing: the time at which a record is due depends on the clock only, not on the duration of sends.

A sender that was delayed catches up at once, so that the average rate is the requested one. Pure.
"""

from __future__ import annotations


def due_s(records_before: int, rate: float | None) -> float:
    """When the next record is due, in seconds after the first; at once without a rate.

    `rate` is in records per second.
    """
    return 0.0 if rate is None else records_before / rate


def wait_s(records_before: int, rate: float | None, elapsed_s: float) -> float:
    """The wait until the next record is due, in seconds; 0 if it is due."""
    return max(0.0, due_s(records_before, rate) - elapsed_s)
