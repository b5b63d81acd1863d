"""The rate limit per API key: in Redis for all processes, in the process while Redis is away."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any

from relearn.agents.stores.redis import Redis, open_redis
from relearn.api.access.rate_limit import LOTS_A_SECOND, SharedRateLimit, Unlimited, make_rate_limit
from relearn.api.http.problems import ProblemError
from relearn.schemas.settings import Settings
from tests.support.api.client import Client, serving
from tests.support.data.keyed import a_key, bearer
from tests.support.servers.embedded import Servers
from tests.support.waiting import DEADLINE_S

#: One request at once, and the next one after a hundred seconds.
SELDOM = 0.01


def patient(settings: Settings) -> Redis:
    """A Redis client with a long timeout: on a slow machine a process that gives up would count by itself."""
    redis = open_redis(settings, answers_within_s=DEADLINE_S)
    redis.connection_pool.connection_kwargs["socket_connect_timeout"] = DEADLINE_S
    return redis


async def ask(client: Client, key: str) -> tuple[int, str | None]:
    async with client.http.get("/metrics", headers=bearer(key)) as response:
        return response.status, response.headers.get("Retry-After")


async def granted(rates: SharedRateLimit, key_id: str, times: int) -> int:
    """The number of admitted requests among `times`."""

    async def one() -> bool:
        try:
            await rates.spend(key_id)
        except ProblemError:
            return False
        return True

    return sum(await asyncio.gather(*(one() for _ in range(times))))


async def scripts_run(redis: Redis, monitor: Any, key: str) -> int:
    """The number of runs of a script on `key` that the monitor has seen."""
    await redis.echo(key)
    count = 0
    while (command := (await monitor.next_command())["command"]) != f"ECHO {key}":
        count += command.startswith("EVALSHA") and key in command
    return count


async def test_a_key_that_asks_too_often_is_told_when_to_come_back(migrated: Settings, servers: Servers) -> None:
    """Each key has its own limit in all processes, also while Redis is away."""
    seldom = migrated.model_copy(update={"api_rate": SELDOM})
    busy, other, third = [await a_key(migrated, "read", name) for name in ("busy", "other", "third")]
    async with serving(seldom) as client, serving(seldom) as another:
        assert await ask(client, busy) == (200, None)
        for one in (client, another):
            status, after_s = await ask(one, busy)
            assert status == 429
            assert 1 <= int(after_s or 0) <= 100
        assert await ask(another, other) == (200, None)
        with servers.valkey.away():
            assert await ask(client, third) == (200, None)
            assert (await ask(client, third))[0] == 429


async def test_processes_share_what_a_key_may_ask(migrated: Settings) -> None:
    """Together at most the burst, the rate since then, and one lot per process."""
    rate = 200.0
    clients: list[Redis] = [patient(migrated) for _ in range(3)]
    processes = [SharedRateLimit(redis, migrated.namespace, rate) for redis in clients]
    try:
        began_s = time.monotonic()
        let_in = 0
        for _ in range(5):
            let_in += sum(await asyncio.gather(*(granted(one, "key", 200) for one in processes)))
        most = 2 * rate + rate * (time.monotonic() - began_s) + 3 * rate / LOTS_A_SECOND
        assert 2 * rate <= let_in <= math.ceil(most)
    finally:
        for redis in clients:
            await redis.aclose()


async def test_redis_is_asked_for_lots_not_for_each_request(migrated: Settings) -> None:
    """Twenty for a second's tokens. The clock is fixed: on a slow machine a lot would expire half used."""
    redis = patient(migrated)
    rates = SharedRateLimit(redis, migrated.namespace, 1000.0, lambda: 0.0)
    key = f"{migrated.namespace}:rate:key"
    try:
        assert await granted(rates, "first", 1) == 1  # from now on Redis knows the script
        async with redis.monitor() as monitor:
            assert await granted(rates, "key", 1500) == 1500
            assert -1 != await redis.ttl(key) <= 4
            assert await scripts_run(redis, monitor, key) == 1500 * LOTS_A_SECOND / 1000
    finally:
        await redis.aclose()


async def test_the_limit_can_be_turned_off(migrated: Settings) -> None:
    redis = open_redis(migrated)
    assert isinstance(make_rate_limit(migrated.model_copy(update={"api_rate": None}), redis), Unlimited)
    assert isinstance(make_rate_limit(migrated, redis), SharedRateLimit)
    await redis.aclose()
