"""Readiness, honestly: a worker is ready when Kafka gave it partitions and it holds what it works with."""

from __future__ import annotations

from collections.abc import Callable

import faust
import structlog

from agents.patience import Conditioned, Stopping, until

log = structlog.get_logger()


def announce_readiness(app: faust.App, state: Conditioned, *, waiting_for: str, holds: Callable[[], bool]) -> None:
    """Add a task to `app` that sets `state.condition` to `ready` and logs `worker_ready` once `holds()` is true."""

    async def announce() -> None:
        if not holds():
            state.condition = f"waiting for {waiting_for}"
            log.info("waiting", what=waiting_for)
        try:
            await until(holds, stop=lambda: app.should_stop)
        except Stopping:
            return
        state.condition = "ready"
        log.info("worker_ready")

    app.task(announce)
