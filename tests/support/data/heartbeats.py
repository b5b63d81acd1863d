"""The heartbeats of a namespace's workers, for tests that watch processes."""

from __future__ import annotations

import asyncio
from typing import Any

from relearn.agents.stores.live.heartbeats import read_workers
from relearn.agents.stores.redis import open_redis
from relearn.schemas.settings import Settings


def heartbeats(settings: Settings) -> dict[str, dict[str, Any]]:
    """By worker."""

    async def read() -> list[dict[str, Any]]:
        redis = open_redis(settings, answers_within_s=10.0, connects_within_s=10.0)
        try:
            return await read_workers(redis, settings.namespace)
        finally:
            await redis.aclose()

    return {beat["id"]: beat for beat in asyncio.run(read())}
