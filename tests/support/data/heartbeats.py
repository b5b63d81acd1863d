"""Heartbeats for tests, as workers make them, and those that were sent."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from relearn.agents.models.live import LiveModel
from relearn.agents.stores.live.heartbeats import read_workers
from relearn.agents.stores.redis import open_redis
from relearn.agents.worker.heartbeat import heartbeat
from relearn.agents.worker.state import WorkerState
from relearn.schemas.model.signed_updates import Update
from relearn.schemas.settings import Settings
from tests.support.data.models import a_model


def beat_of(worker_id: str, role: str = "store", **given: Any) -> dict[str, Any]:
    """A heartbeat as a worker makes it, before it knows what it is to read."""
    live = LiveModel()
    live.swap(Update("ns", "champion", 7, a_model(3), "job", {}, 0.0))
    state = WorkerState(worker_id, role, "ready", live=live)
    return {**heartbeat(None, state, rate=12.34, now_s=time.time()), **given}  # type: ignore[arg-type]


def heartbeats(settings: Settings) -> dict[str, dict[str, Any]]:
    """Those of the namespace's workers now, by worker."""

    async def read() -> list[dict[str, Any]]:
        redis = open_redis(settings, answers_within_s=10.0, connects_within_s=10.0)
        try:
            return await read_workers(redis, settings.namespace)
        finally:
            await redis.aclose()

    return {beat["id"]: beat for beat in asyncio.run(read())}
