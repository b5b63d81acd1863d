"""Jobs and activations are announced from Postgres: each once, in order, also changes made while no announcer ran."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from relearn.agents.kafka.limits import MessageLimits
from relearn.agents.retrain.announce import Announcer
from relearn.agents.retrain.context import RetrainContext
from relearn.agents.stores.live.checkpoint import announced
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.redis import Redis, open_redis
from relearn.agents.worker.state import WorkerState
from relearn.schemas.settings import Settings
from tests.stream.agents.stores.live.test_events import told
from tests.support.data.stored import tables
from tests.support.servers.embedded import Servers
from tests.support.servers.namespaces import as_owner

_JOB = "INSERT INTO jobs (id, command, state, reason, metrics) VALUES ($1, $2, $3, $4, $5)"
_ACTIVATE = """
INSERT INTO activations (role, version, job, reason, message) VALUES ('none', NULL, $1, '{"trigger": "test"}', '')
"""


def retraining_of(settings: Settings) -> RetrainContext:
    """As much of a retrain worker as an announcer looks at; it is in charge."""
    parts: Any = (None, None, None, MessageLimits(settings))
    return RetrainContext(
        settings, WorkerState("retrain-1", "retrain"), *parts, stop=lambda: False, in_charge=lambda: True
    )


@asynccontextmanager
async def announcing(settings: Settings) -> AsyncIterator[Announcer]:
    """An announcer of its own process, which has looked once."""
    context = retraining_of(settings)
    announcer = Announcer(context)
    try:
        await announcer.look()
        yield announcer
    finally:
        await announcer.close()
        context.close()


@asynccontextmanager
async def namespace(settings: Settings) -> AsyncIterator[tuple[Pool, Redis]]:
    async with tables(settings) as pool, open_redis(settings) as redis:
        yield pool, redis


async def job(pool: Pool, job_id: str, state: str, *, command: str = "train", **metrics: Any) -> None:
    await pool.execute(_JOB, job_id, command, state, {"trigger": "count"}, metrics or None)


async def become(pool: Pool, job_id: str, state: str, **metrics: Any) -> None:
    await pool.execute(
        "UPDATE jobs SET state = $2, metrics = $3, started_at = now(), ended_at = now() WHERE id = $1",
        job_id,
        state,
        metrics or None,
    )


async def news(redis: Redis, settings: Settings) -> list[tuple[str, Any]]:
    """What was announced: a job's id and state, an activation's number, `reset`."""
    return [
        (kind, (data["id"], data["state"]) if kind == "job" else data.get("activation"))
        for kind, data in await told(redis, settings)
    ]


async def test_each_change_is_announced_once_and_in_order(settings: Settings) -> None:
    async with namespace(settings) as (pool, redis), announcing(settings) as announcer:
        await job(pool, "a", "queued")
        for _ in range(2):
            await announcer.look()
        async with pool.acquire() as connection, connection.transaction():
            await become(connection, "a", "promoted", gate={"outcome": "promoted", "path": "first", "why": "so"})
            await connection.execute(_ACTIVATE, "a")
        await job(pool, "b", "promoted", command="hold")
        for _ in range(2):
            await announcer.look()
        assert await news(redis, settings) == [
            ("reset", None),
            ("job", ("a", "queued")),
            ("job", ("a", "promoted")),
            ("model", 1),
            ("job", ("b", "promoted")),
        ]
        promoted = (await told(redis, settings))[2][1]
        assert promoted["gate"] == {"outcome": "promoted", "path": "first", "why": "so"}
        assert "metrics" not in promoted


async def test_what_happened_while_nobody_looked_is_announced_afterwards(settings: Settings) -> None:
    """Also of a job that was open then and is old now; without the former announcer's mark it starts from now."""
    async with namespace(settings) as (pool, redis):
        await job(pool, "old", "running")
        async with announcing(settings):
            pass
        for n in range(120):
            await job(pool, f"j{n}", "skipped", command="hold")
        async with announcing(settings):
            await redis.delete(f"{settings.namespace}:events")
        await become(pool, "old", "rejected", shadow=1)
        await pool.execute(_ACTIVATE, "old")
        async with announcing(settings):
            pass
        assert await news(redis, settings) == [("job", ("old", "rejected")), ("model", 1)]
        await redis.delete(f"{settings.namespace}:announced")
        await pool.execute(_ACTIVATE, "old")
        async with announcing(settings) as announcer:
            await pool.execute(_ACTIVATE, "old")
            await announcer.look()
        assert (await news(redis, settings))[2:] == [("reset", None), ("model", 3)]


async def test_the_mark_of_another_database_is_none(settings: Settings) -> None:
    """Tables that were recreated under the same name begin at the first activation again."""
    async with namespace(settings) as (pool, redis):
        await job(pool, "a", "running")
        async with announcing(settings):
            await pool.execute(_ACTIVATE, "a")
        await as_owner(settings, f'DROP SCHEMA "{settings.namespace}" CASCADE')
    async with namespace(settings) as (pool, redis), announcing(settings):
        mark = await announced(redis, settings.namespace)
        assert mark is not None
        assert (mark.jobs, mark.activation) == ({}, 0)


async def test_what_changes_while_redis_is_away_is_announced_when_it_is_back(
    settings: Settings, servers: Servers
) -> None:
    async with namespace(settings) as (pool, redis), announcing(settings) as announcer:
        with servers.valkey.away():
            await job(pool, "a", "running")
            await announcer.attempt()
            await become(pool, "a", "failed")
            await announcer.attempt()
        await announcer.attempt()
        await announcer.attempt()
        assert await news(redis, settings) == [("job", ("a", "failed"))]


async def test_a_reason_of_any_size_is_announced(settings: Settings) -> None:
    async with namespace(settings) as (pool, redis), announcing(settings) as announcer:
        await pool.execute(_JOB, "a", "hold", "promoted", {"trigger": "manual", "words": "x" * 10_000}, None)
        await announcer.look()
        assert (await told(redis, settings))[-1][1]["reason"] == {"trigger": "manual"}
