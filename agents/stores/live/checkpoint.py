"""Announcements of jobs and activations: their states, read from Postgres, and the states announced last, in Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from relearn.agents.stores.live.events import put_events
from relearn.agents.stores.postgres import Pool, postgres_errors
from relearn.agents.stores.redis import Redis, redis_errors
from relearn.agents.stores.training.jobs import CHALLENGES, OPEN
from relearn.schemas.http.events import EventData, EventGate, JobEvent, ModelEvent

_WRITE_S = 1.0

# The newest jobs, the jobs that were open at the last read, and the open training: each by an index.
_STANDING = f"""
SELECT id, state, (SELECT max(activation) FROM activations) FROM (
    (SELECT id, state FROM jobs ORDER BY number DESC LIMIT 100)
    UNION SELECT id, state FROM jobs WHERE id = ANY($1)
    UNION SELECT id, state FROM jobs WHERE {CHALLENGES} AND state IN ('queued', 'running', 'shadow')
) AS looked_at
"""  # noqa: S608 - names of our own
_REASON = """
CASE WHEN octet_length(reason::text) <= 4096 THEN reason
    ELSE jsonb_build_object('trigger', left(reason->>'trigger', 100)) END AS reason
"""
_JOBS = f"""
SELECT id, command, state, {_REASON}, requested, by, version, champion, gate->>'outcome' AS outcome,
    gate->>'path' AS path, left(gate->>'why', 1000) AS why, queued_at, started_at, ended_at, left(error, 1000) AS error
FROM jobs CROSS JOIN LATERAL (SELECT coalesce(metrics->'gate'->'shadow', metrics->'gate') AS gate) AS judged
WHERE id = ANY($1) ORDER BY ended NULLS LAST, number
"""  # noqa: S608 - names of our own
_ACTIVATIONS = f"""
SELECT activation, role, version, job, by, {_REASON}, at FROM activations WHERE activation > $1 ORDER BY activation
"""  # noqa: S608 - names of our own


class EventCheckpoint(Struct, frozen=True):
    """The states of jobs that are new or can still change, by id, and the newest activation, in `database`."""

    database: str
    jobs: dict[str, str]
    activation: int

    def changed(self, before: EventCheckpoint) -> list[str]:
        """The jobs whose state differs from `before`."""
        return [job for job, state in self.jobs.items() if before.jobs.get(job) != state]

    def after(self, news: Sequence[JobEvent | ModelEvent]) -> EventCheckpoint:
        """The checkpoint with these later events applied."""
        states = {one.id: one.state for one in news if isinstance(one, JobEvent)}
        activations = [one.activation for one in news if isinstance(one, ModelEvent)]
        return EventCheckpoint(self.database, {**self.jobs, **states}, max([self.activation, *activations]))

    def open(self) -> list[str]:
        """The jobs that have not ended."""
        return [job for job, state in self.jobs.items() if state in OPEN]


async def read_checkpoint(pool: Pool, database: str, tracked: Collection[str]) -> EventCheckpoint:
    """The current states, read by one query; includes the `tracked` jobs, however old they are."""
    with postgres_errors():
        rows = await pool.fetch(_STANDING, list(tracked))
    return EventCheckpoint(database, {job: state for job, state, _ in rows}, (rows[0][2] or 0) if rows else 0)


async def read_news(pool: Pool, jobs: Sequence[str], activation: int) -> list[JobEvent | ModelEvent]:
    """These jobs, and the activations after that one, in the order of their times."""
    with postgres_errors():
        found = [_job(row) for row in await pool.fetch(_JOBS, jobs)]
        made = [ModelEvent(**_plain(row)) for row in await pool.fetch(_ACTIVATIONS, activation)]
    timed = [(one.ended_at or one.started_at or one.queued_at, one) for one in found] + [(one.at, one) for one in made]
    return [one for _, one in sorted(timed, key=lambda pair: pair[0])]


async def announced(redis: Redis, namespace: str) -> EventCheckpoint | None:
    """The checkpoint of the last announcement; None: unknown.

    Raises:
        RedisUnavailable: Retryable.
    """
    with redis_errors():
        marker = await redis.get(_key(namespace))
    try:
        return None if marker is None else msgspec.json.decode(marker, type=EventCheckpoint)
    except msgspec.DecodeError:
        return None


async def announce(redis: Redis, namespace: str, events: Sequence[EventData], standing: EventCheckpoint) -> None:
    """Append events and write the checkpoint, both or neither.

    Raises:
        RedisUnavailable: Retryable; neither was written, or both and the answer was lost. A retry may repeat events.
    """
    with redis_errors():
        async with asyncio.timeout(_WRITE_S), redis.pipeline() as pipe:
            put_events(pipe, namespace, *events)
            pipe.set(_key(namespace), msgspec.json.encode(standing))
            await pipe.execute()


def _key(namespace: str) -> str:
    return f"{namespace}:announced"


def _job(row: Any) -> JobEvent:
    columns = _plain(row)
    outcome, path, why = (columns.pop(name) for name in ("outcome", "path", "why"))
    return JobEvent(**columns, gate=None if outcome is None else EventGate(outcome, path or "", why or ""))


def _plain(row: Any) -> dict[str, Any]:
    """The row with times as ISO 8601 texts with microseconds, which sort in the order of time."""
    return {
        name: value.isoformat(timespec="microseconds") if isinstance(value, datetime) else value
        for name, value in row.items()
    }
