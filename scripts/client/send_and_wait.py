"""Sends a command to the retrain role, and waits for its job and for the workers that serve its model."""

from __future__ import annotations

import asyncio
import getpass
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from relearn.agents.kafka.producer import KafkaProducer
from relearn.agents.kafka.send_command import send_command
from relearn.agents.stores.live.heartbeats import read_workers
from relearn.agents.stores.postgres import Pool, open_pool
from relearn.agents.stores.redis import open_redis
from relearn.agents.stores.training.jobs import Job, job_fields, read_job
from relearn.agents.stores.training.models import ModelRow, model_row_fields, read_model
from relearn.schemas.errors import RedisUnavailable
from relearn.schemas.messages.commands import Command
from relearn.schemas.settings import Settings

_GIVE_UP_S = 30.0
_LOOK_EVERY_S = 0.2
_SWAP_TIMEOUT_S = 5.0
#: The states in which a job is awaited. A shadow is compared until reviews decide: no command waits for that.
_AWAITED = frozenset(("queued", "running"))

OnState = Callable[[str], None]
"""Called once for each state of a command: `sent`, `queued`, `running` … `took effect`"""


@dataclass(frozen=True)
class Outcome:
    """The result of a command: its job (None if no worker took it), its model, and the score workers' heartbeats."""

    job: Job | None
    model: ModelRow | None
    workers: list[dict[str, Any]] | None

    @property
    def promoted(self) -> bool:
        """Whether the command took effect."""
        return self.job is not None and self.job.state == "promoted"

    def fields(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "job": None if self.job is None else job_fields(self.job),
            "model": None if self.model is None else model_row_fields(self.model),
            "workers": self.workers,
        }


async def send_and_wait(
    settings: Settings, command: Command, *, timeout_s: float, on_state: OnState = lambda state: None
) -> Outcome:
    """Send `command` and wait for its job, then for the workers that serve its model."""
    await deliver_command(settings, command)
    pool = await open_pool(settings, size=1)
    try:
        job = await wait_for_job(pool, command.id, timeout_s=timeout_s, on_state=on_state)
        model = await read_model(pool, job.version) if job is not None and job.version is not None else None
    finally:
        pool.terminate()
    workers = None
    if job is not None and job.state == "promoted" and model is not None and model.activation is not None:
        on_state("swapping")
        workers = await wait_for_workers(settings, model.activation)
    return Outcome(job, model, workers)


async def deliver_command(settings: Settings, command: Command) -> None:
    """Send `command`; returns when the broker has acknowledged it.

    Raises:
        KafkaUnavailable: the broker did not acknowledge it in time.
        SetupError: the commands topic doesn't exist.
    """
    producer = KafkaProducer(settings, f"{settings.namespace}-cli", give_up_s=_GIVE_UP_S)
    try:
        await send_command(producer, settings.namespace, command, source=f"/{settings.namespace}/cli")
    finally:
        await producer.close()


async def wait_for_job(
    pool: Pool, job_id: str, *, timeout_s: float, on_state: OnState = lambda state: None
) -> Job | None:
    """The job once it has ended or its model is a shadow, or its state after `timeout_s`; None if no worker took it."""
    deadline, last_state = time.monotonic() + timeout_s, ""
    while True:
        job = await read_job(pool, job_id)
        state = "sent" if job is None else job.outcome
        if state != last_state:
            last_state = state
            on_state(state)
        if (job is not None and job.state not in _AWAITED) or time.monotonic() > deadline:
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


def person() -> str | None:
    """The name of the user who runs this command; None if it is unknown."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return None
