"""Progress of the work in hand, counted where it is made, for the watchdog of the worker."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

_count: ContextVar[Callable[[], None] | None] = ContextVar("progress", default=None)


def count_progress_by(count: Callable[[], None]) -> None:
    """In this task and the tasks that it creates, `progressed` calls `count`."""
    _count.set(count)


def progressed() -> None:
    """A part of the work in hand is done: a statement, a batch. Outside a worker: no effect."""
    count = _count.get()
    if count is not None:
        count()
