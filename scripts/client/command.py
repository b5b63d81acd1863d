"""Asking the retrain role for something: one acknowledged command, and waiting for what comes of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from relearn.agents.kafka.producer import KafkaProducer
from relearn.agents.kafka.send_command import send_command
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.redis import open_redis
from relearn.agents.stores.training.jobs import Job, read_job
from relearn.agents.worker.heartbeat import read_workers
from relearn.schemas.errors import RedisUnavailable
from relearn.schemas.messages.commands import Command
from relearn.schemas.settings import Settings

_GIVE_UP_S = 30.0
_LOOK_EVERY_S = 0.2
_SWAP_TIMEOUT_S = 5.0
#: In these states somebody is at work. A shadow is watched for as long as it takes: nobody waits for that.
_UNDER_WAY = frozenset(("queued", "running"))


async def deliver_command(settings: Settings, command: Command) -> None:
    """Return when the broker has `command`.

    Raises:
        KafkaUnavailable: it isn't known to have it.
        SetupError: there is no topic for it.
    """
    producer = KafkaProducer(settings, f"{settings.namespace}-cli", give_up_s=_GIVE_UP_S)
    try:
        await send_command(producer, settings.namespace, command, source=f"/{settings.namespace}/cli")
    finally:
        await producer.close()


async def wait_for_job(
    pool: Pool, job_id: str, *, timeout_s: float, on_state: Callable[[str], None] = lambda state: None
) -> Job | None:
    """The job once it has ended or its model is a shadow, or as it stands after `timeout_s`; None if nobody took it.

    `on_state` is told each state once: `sent`, `queued`, `running` …
    """
    deadline, told = time.monotonic() + timeout_s, ""
    while True:
        job = await read_job(pool, job_id)
        state = "sent" if job is None else job.state
        if state != told:
            told = state
            on_state(state)
        if (job is not None and job.state not in _UNDER_WAY) or time.monotonic() > deadline:
            return job
        await asyncio.sleep(_LOOK_EVERY_S)


async def wait_for_workers(settings: Settings, activation: int) -> list[dict[str, Any]] | None:
    """The heartbeats of all score workers once each has `activation`, or after five seconds; None without Redis."""
    redis = open_redis(settings)
    deadline = time.monotonic() + _SWAP_TIMEOUT_S
    try:
        while True:
            workers = [one for one in await read_workers(redis, settings.namespace) if one["role"] == "score"]
            behind = [one for one in workers if (one["activation"] or 0) < activation]
            if not behind or time.monotonic() > deadline:
                return workers
            await asyncio.sleep(_LOOK_EVERY_S)
    except RedisUnavailable:
        return None
    finally:
        await redis.aclose()
