"""The watchdog: a worker that has work, waits for nobody and gets nowhere is ended, for its supervisor to start anew.

A process that hangs looks like one that idles: a lost permission, a lost wake-up, a bug of a library's. What tells them
apart is lag without progress. A worker that says what it waits for (Postgres, a first model, a person) is left alone.
"""

from __future__ import annotations

import asyncio
import time

import faust
import structlog

from agents.crash import crash
from agents.heartbeat import WorkerState, read_assignment

log = structlog.get_logger()

LOOK_EVERY_S = 5.0
PATIENCE_S = 60.0


class Stuck(Exception):
    """Lag, and no progress for longer than the watchdog's patience."""


class Progress:
    """Notes when something last moved. Pure: time comes from outside."""

    def __init__(self, now_s: float) -> None:
        self._moved_s = now_s
        self._lag: int | None = None
        self._records = 0

    def stuck(self, *, now_s: float, condition: str, lag: int | None, records: int) -> bool:
        """Whether there was work for PATIENCE_S, nothing was waited for, and nothing moved."""
        idle = condition != "ready" or not lag
        if idle or records != self._records or self._lag is None or (lag or 0) < self._lag:
            self._moved_s = now_s
        self._lag, self._records = lag, records
        return now_s - self._moved_s > PATIENCE_S


def attach_watchdog(app: faust.App, state: WorkerState) -> None:
    """Add to `app` the task that ends the process when it is stuck."""

    async def watch() -> None:
        progress = Progress(time.monotonic())
        while not app.should_stop:
            await asyncio.sleep(LOOK_EVERY_S)
            _, lag = read_assignment(app)
            if progress.stuck(now_s=time.monotonic(), condition=state.condition, lag=lag, records=state.records):
                log.error("stuck", lag=lag, seconds=PATIENCE_S)
                await crash(app, Stuck(f"{lag} messages behind and no progress for {PATIENCE_S:.0f} s"))

    app.task(watch)
