"""The watchdog: it ends a worker that makes no progress, so that its supervisor restarts it.

A hanging process (a lost permission, a lost wake-up, a bug in a library) looks like an idle one. The difference is lag
without progress. A worker whose condition names what it waits for (Postgres, Kafka, a first model, a person) is not
ended. A task on the event loop checks the progress. A thread beside the loop checks that task, because a blocking call
or an endless loop stops the task, too.

The time limit is counted in checks instead of by a clock: no check runs while the process or its machine is suspended.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from contextlib import ExitStack
from typing import Any

import faust
import structlog
from faust.exceptions import ConsumerNotStarted

from relearn.agents.worker.heartbeat import read_assignment
from relearn.agents.worker.shutdown import crash, exit_now
from relearn.agents.worker.state import WorkerState

log = structlog.get_logger()

LOOK_EVERY_S = 5.0
STUCK_TIMEOUT_S = 60.0


class Stuck(Exception):
    """Lag, and no progress for longer than STUCK_TIMEOUT_S."""


class Progress:
    """The progress of the worker, from check to check."""

    def __init__(self) -> None:
        self._lag: int | None = None
        self._steps = self._looks = 0

    def stuck(self, *, condition: str, lag: int | None, steps: int) -> bool:
        """Check; True after STUCK_TIMEOUT_S with lag, without progress, and with no condition that explains it."""
        idle = condition != "ready" or not lag
        moved = idle or steps != self._steps or self._lag is None or (lag or 0) < self._lag
        self._looks = 0 if moved else self._looks + 1
        self._lag, self._steps = lag, steps
        return self._looks * LOOK_EVERY_S > STUCK_TIMEOUT_S


class Pulse:
    """The pulse of the loop: a task calls `beat`, a thread calls `silent`."""

    def __init__(self) -> None:
        self._beats = self._felt = self._looks = 0

    def beat(self) -> None:
        """The loop runs."""
        self._beats += 1

    def silent(self) -> bool:
        """Check; True after STUCK_TIMEOUT_S without a beat."""
        beats = self._beats
        self._looks = self._looks + 1 if beats == self._felt else 0
        self._felt = beats
        return self._looks * LOOK_EVERY_S > STUCK_TIMEOUT_S


def attach_watchdog(app: faust.App, state: WorkerState) -> None:
    """Add to `app` the task that ends a process without progress, and the thread that ends one with a blocked loop."""

    async def watch() -> None:
        pulse, stopped = Pulse(), threading.Event()
        watch_pulse = contextvars.copy_context().run  # the fields of each log line
        threading.Thread(target=watch_pulse, args=(_watch_pulse, pulse, stopped), name="watchdog", daemon=True).start()
        try:
            await _watch_progress(app, state, pulse)
        finally:
            stopped.set()

    app.task(watch)


async def _watch_progress(app: faust.App, state: WorkerState, pulse: Pulse) -> None:
    progress, away = Progress(), _Away(state)
    while not app.should_stop:
        await asyncio.sleep(LOOK_EVERY_S)
        pulse.beat()
        _, lag = read_assignment(app)
        away.show(not connected(app))
        if progress.stuck(condition=state.condition, lag=lag, steps=state.records + state.steps):
            log.error("stuck", lag=lag, seconds=STUCK_TIMEOUT_S)
            await crash(app, Stuck(f"{lag} messages behind and no progress for {STUCK_TIMEOUT_S:.0f} s"))


class _Away:
    """The condition `waiting for Kafka`, while no broker is connected: nothing else in the worker waits for a fetch."""

    def __init__(self, state: WorkerState) -> None:
        self._state = state
        self._shown = ExitStack()
        self._away = False

    def show(self, away: bool) -> None:
        """Begin or end the condition."""
        if away and not self._away:
            self._shown.enter_context(self._state.meanwhile("waiting for Kafka"))
        elif self._away and not away:
            self._shown.close()
        self._away = away


def connected(app: faust.App) -> bool:
    """Whether the consumer is connected to a broker; True before it has started."""
    try:
        consumer: Any = app.consumer
        connections = list(consumer._thread._consumer._client._conns.values())
    except (AttributeError, ConsumerNotStarted, RuntimeError):
        return True
    return any(one.connected() for one in connections)


def _watch_pulse(pulse: Pulse, stopped: threading.Event) -> None:
    """End the process when the loop stands still, until `stopped`. shutdown.py bounds the time of stopping."""
    while not stopped.wait(LOOK_EVERY_S):
        if pulse.silent():
            exit_now("frozen", seconds=STUCK_TIMEOUT_S)
