"""The watchdog: a worker that gets nowhere is ended, for its supervisor to start anew.

A process that hangs looks like one that idles: a lost permission, a lost wake-up, a bug of a library's. What tells them
apart is lag without progress. A worker that says what it waits for (Postgres, a first model, a person) is left alone.
A task on the event loop looks at that; a thread beside the loop looks at that task, which a call that blocks, or a loop
without an end, holds up with everything else.

Patience is counted in looks, not by a clock: nobody looks while the whole process is suspended, or its machine asleep.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading

import faust
import structlog

from relearn.agents.worker.heartbeat import read_assignment
from relearn.agents.worker.shutdown import crash, exit_now
from relearn.agents.worker.state import WorkerState

log = structlog.get_logger()

LOOK_EVERY_S = 5.0
PATIENCE_S = 60.0


class Stuck(Exception):
    """Lag, and no progress for longer than the watchdog's patience."""


class Progress:
    """Of the worker: notes, look by look, whether anything moved."""

    def __init__(self) -> None:
        self._lag: int | None = None
        self._records = self._looks = 0

    def stuck(self, *, condition: str, lag: int | None, records: int) -> bool:
        """Look; whether there was work for PATIENCE_S, nothing was waited for, and nothing moved."""
        idle = condition != "ready" or not lag
        moved = idle or records != self._records or self._lag is None or (lag or 0) < self._lag
        self._looks = 0 if moved else self._looks + 1
        self._lag, self._records = lag, records
        return self._looks * LOOK_EVERY_S > PATIENCE_S


class Pulse:
    """Of the loop, which `beat` makes and a thread feels with `silent`."""

    def __init__(self) -> None:
        self._beats = self._felt = self._looks = 0

    def beat(self) -> None:
        """The loop runs."""
        self._beats += 1

    def silent(self) -> bool:
        """Look; whether there was no beat for PATIENCE_S."""
        beats = self._beats
        self._looks = self._looks + 1 if beats == self._felt else 0
        self._felt = beats
        return self._looks * LOOK_EVERY_S > PATIENCE_S


def attach_watchdog(app: faust.App, state: WorkerState) -> None:
    """Add to `app` the task that ends the process when it is stuck, and the thread that does when its loop is."""

    async def watch() -> None:
        pulse, stopped = Pulse(), threading.Event()
        watch_pulse = contextvars.copy_context().run  # what stands on each log line
        threading.Thread(target=watch_pulse, args=(_watch_pulse, pulse, stopped), name="watchdog", daemon=True).start()
        try:
            await _watch_progress(app, state, pulse)
        finally:
            stopped.set()

    app.task(watch)


async def _watch_progress(app: faust.App, state: WorkerState, pulse: Pulse) -> None:
    progress = Progress()
    while not app.should_stop:
        await asyncio.sleep(LOOK_EVERY_S)
        pulse.beat()
        _, lag = read_assignment(app)
        if progress.stuck(condition=state.condition, lag=lag, records=state.records):
            log.error("stuck", lag=lag, seconds=PATIENCE_S)
            await crash(app, Stuck(f"{lag} messages behind and no progress for {PATIENCE_S:.0f} s"))


def _watch_pulse(pulse: Pulse, stopped: threading.Event) -> None:
    """End the process when the loop stands still, until `stopped`: how long stopping may take, shutdown.py says."""
    while not stopped.wait(LOOK_EVERY_S):
        if pulse.silent():
            exit_now("frozen", seconds=PATIENCE_S)
