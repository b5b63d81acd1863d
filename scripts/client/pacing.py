"""Open-loop pacing: when a record is due depends on the clock alone, never on how long sending the last one took.

A sender that was held up catches up at once, so that the average rate is the one asked for. Pure.
"""

from __future__ import annotations


def due_s(records_before: int, rate: float | None) -> float:
    """When the next record is due, in seconds after the first; at once without a rate.

    `rate` is in records per second.
    """
    return 0.0 if rate is None else records_before / rate


def wait_s(records_before: int, rate: float | None, elapsed_s: float) -> float:
    """How long to wait for the next record's time; 0 where it has come."""
    return max(0.0, due_s(records_before, rate) - elapsed_s)
