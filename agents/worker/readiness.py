"""Readiness: a worker is ready when it has partitions and the model or server connections that its role needs."""

from __future__ import annotations

from collections.abc import Callable

import faust
import structlog
from faust.exceptions import ConsumerNotStarted
from faust.types import TP

from relearn.agents.availability.retry import Stopping, wait_until
from relearn.agents.worker.state import WorkerState

log = structlog.get_logger()


def attach_readiness(app: faust.App, state: WorkerState, *, waiting_for: str, holds: Callable[[], bool]) -> None:
    """Add a task to `app` that sets `state.stage` to `ready` and logs `worker_ready` once both are true.

    A worker without partitions stays at `waiting for partitions`, ready to take over those of another worker.
    """

    async def announce() -> None:
        for condition, what in ((holds, waiting_for), (lambda: bool(assigned(app)), "partitions")):
            if not condition():
                state.stage = f"waiting for {what}"
                log.info("waiting", what=what)
            try:
                await wait_until(condition, stop=lambda: app.should_stop)
            except Stopping:
                return
        state.stage = "ready"
        log.info("worker_ready")

    app.task(announce)


def assigned(app: faust.App) -> set[TP]:
    """The partitions that this worker has; none before it has started, and none during a rebalance."""
    try:
        return set() if app.rebalancing else set(app.consumer.assignment())
    except ConsumerNotStarted:
        return set()
