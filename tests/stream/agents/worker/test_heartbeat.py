"""Heartbeats in a real Redis."""

from __future__ import annotations

import pytest

from relearn.agents.stores.live.heartbeats import read_workers, send_heartbeat, worker_key
from relearn.agents.stores.redis import open_redis
from relearn.schemas.errors import RedisUnavailable
from relearn.schemas.settings import Settings
from tests.support.servers.embedded import Servers


async def test_workers_are_listed_by_role_and_id_and_vanish_by_themselves(settings: Settings) -> None:
    """Only this namespace's; a heartbeat lives for ten seconds."""
    async with open_redis(settings) as redis:
        for role, worker in (("store", "store-1"), ("score", "score-2"), ("score", "score-1")):
            await send_heartbeat(redis, settings.namespace, {"id": worker, "role": role})
        await send_heartbeat(redis, settings.namespace + "x", {"id": "other", "role": "score"})
        assert [worker["id"] for worker in await read_workers(redis, settings.namespace)] == [
            "score-1",
            "score-2",
            "store-1",
        ]
        assert 0 < await redis.ttl(worker_key(settings.namespace, "score-1")) <= 10


async def test_redis_away_is_said(settings: Settings, servers: Servers) -> None:
    """As our own error, for writing and for reading."""
    async with open_redis(settings) as redis:
        with servers.valkey.away():
            with pytest.raises(RedisUnavailable):
                await send_heartbeat(redis, settings.namespace, {"id": "a", "role": "score"})
            with pytest.raises(RedisUnavailable):
                await read_workers(redis, settings.namespace)


@pytest.mark.parametrize(
    ("name", "value", "usual"),
    [("maxmemory", "1", "0"), ("min-replicas-to-write", "1", "0")],
    ids=["full", "too few replicas"],
)
async def test_heartbeats_that_redis_does_not_store_are_no_missing_workers(
    settings: Settings, servers: Servers, name: str, value: str, usual: str
) -> None:
    """Such a Redis answers reads. Without this, status called every worker down, and Valkey up."""
    async with open_redis(settings) as redis:
        await send_heartbeat(redis, settings.namespace, {"id": "a", "role": "score"})
        assert len(await read_workers(redis, settings.namespace)) == 1
        await redis.delete(worker_key(settings.namespace, "a"))
        await redis.config_set(name, value)
        try:
            with pytest.raises(RedisUnavailable, match="Redis refuses"):
                await send_heartbeat(redis, settings.namespace, {"id": "a", "role": "score"})
            for _ in range(2):
                with pytest.raises(RedisUnavailable, match="Redis refuses"):
                    await read_workers(redis, settings.namespace)
        finally:
            await redis.config_set(name, usual)
        assert await read_workers(redis, settings.namespace) == []
