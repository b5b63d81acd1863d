"""Changing the features: the command, and the wait until every process reads records of the new version."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

from relearn.agents.stores.live.heartbeats import read_workers
from relearn.agents.stores.postgres import open_pool
from relearn.agents.stores.redis import open_redis
from relearn.agents.stores.training.jobs import Job
from relearn.schemas.errors import RedisUnavailable
from relearn.schemas.messages.commands import Command
from relearn.schemas.schema_changes import SchemaChange, change_fields
from relearn.schemas.settings import Settings
from relearn.schemas.text import first_few
from relearn.scripts.client.send_and_wait import OnState, deliver_command, person, wait_for_job

_LOOK_EVERY_S = 0.2
#: Roles that read the versions of the features from `model-updates`; the others only have to be of this release.
_READERS = frozenset(("score", "retrain"))


class Changed(NamedTuple):
    """The result: the job, None if no worker took it; its version; the workers that don't know that version yet.

    behind: None: Redis is away, and nothing is known of the workers.
    """

    job: Job | None
    version: int | None
    behind: Sequence[str] | None

    @property
    def done(self) -> bool:
        """Whether every worker reads records of the new version."""
        return self.version is not None and self.behind is not None and not self.behind


async def change_and_wait(
    settings: Settings, change: SchemaChange, *, timeout_s: float, on_state: OnState = lambda state: None
) -> Changed:
    """Send the command and wait for its job, then for every live worker's heartbeat to name the version.

    Raises:
        KafkaUnavailable, PostgresUnavailable: Retryable; the command may have been sent.
    """
    deadline = time.monotonic() + timeout_s
    reason = {"trigger": "manual", "change": change_fields(change)}
    command = Command(str(uuid.uuid4()), "schema", reason, by=person())
    await deliver_command(settings, command)
    pool = await open_pool(settings, size=1)
    try:
        job = await wait_for_job(pool, command.id, timeout_s=timeout_s, on_state=on_state)
    finally:
        pool.terminate()
    if job is None or job.state != "promoted" or job.metrics is None:
        return Changed(job, None, None)
    version = int(job.metrics["schema"]["version"])
    return Changed(job, version, await _wait_for_workers(settings, version, deadline, on_state))


async def _wait_for_workers(
    settings: Settings, version: int, deadline: float, on_state: OnState
) -> Sequence[str] | None:
    redis, told = open_redis(settings), ""
    try:
        while True:
            behind = workers_behind(await read_workers(redis, settings.namespace), version)
            if not behind or time.monotonic() > deadline:
                return behind
            if (text := f"version {version} is written; not known yet to {first_few(behind)}") != told:
                told = text
                on_state(text)
            await asyncio.sleep(_LOOK_EVERY_S)
    except RedisUnavailable:
        return None
    finally:
        await redis.aclose()


def workers_behind(workers: Sequence[dict[str, Any]], version: int) -> list[str]:
    """The ids of the workers that don't know a version of the features.

    A worker of an earlier release has no `schema` in its heartbeat.
    """
    return [
        one["id"]
        for one in workers
        if "schema" not in one or (one["role"] in _READERS and (one["schema"] or 0) < version)
    ]
