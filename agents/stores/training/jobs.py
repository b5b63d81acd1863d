"""The `jobs` table: one job per command, with its state and result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal

from relearn.agents.stores.postgres import Connection, Pool, postgres_errors
from relearn.agents.stores.training.champion import CHAMPION_VERSION
from relearn.schemas.messages.commands import Command, Verb

State = Literal["queued", "running", "rejected", "shadow", "superseded", "promoted", "skipped", "failed"]
OPEN: frozenset[State] = frozenset(("queued", "running", "shadow"))

# A conflict on the id: the same command again. A conflict on the partial index: another training is open.
_QUEUE = f"""
INSERT INTO jobs (id, command, state, reason, requested, by, champion)
VALUES ($1, $2, $3, $4, $5, $6, {CHAMPION_VERSION})
ON CONFLICT DO NOTHING
"""  # noqa: S608 - nothing but names of our own
_END = """
UPDATE jobs SET state = $2, version = coalesce($3, version), metrics = coalesce($4, metrics), error = $5,
    started_at = coalesce(started_at, now()), ended_at = now(), ended = nextval('job_ends'),
    trained_at = coalesce(trained_at, now()),
    cut = CASE WHEN $2 <> 'skipped' OR state = 'running'
        THEN coalesce(cut, $6, (SELECT coalesce(max(id), 0) FROM corrections)) END
WHERE id = $1 AND state IN ('queued', 'running', 'shadow')
"""
_SHADOW = f"""
UPDATE jobs SET state = 'shadow', version = $2, metrics = $3, cut = $4, trained_at = now(),
    champion = {CHAMPION_VERSION}
WHERE id = $1 AND state = 'running'
"""  # noqa: S608 - nothing but names of our own


@dataclass(frozen=True, slots=True)
class Job:
    """One job; `requested` is the version that an `activate` names, `version` the model that the job made or chose.

    `number` rises in the order in which jobs were taken.
    """

    id: str
    command: str
    state: State
    reason: Mapping[str, Any]
    requested: int | None
    by: str | None
    version: int | None
    champion: int | None
    metrics: Mapping[str, Any] | None
    queued_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    error: str | None
    number: int

    @property
    def outcome(self) -> str:
        """Its state for people: `promoted` of a command that promotes no model is `took effect`."""
        return (
            "took effect" if self.state == "promoted" and self.command in {"hold", "resume", "schema"} else self.state
        )


#: In SQL, the jobs that make a challenger: one of them runs at a time, and one of their models is the shadow.
CHALLENGES = "command IN ('train', 'import')"
#: The id of the training or import that is queued or runs, in SQL.
OPEN_TRAINING = f"SELECT id FROM jobs WHERE {CHALLENGES} AND state IN ('queued', 'running')"  # noqa: S608 - names of our own
_COLUMNS = ", ".join(field.name for field in fields(Job))
_TAKE = f"""
UPDATE jobs SET started_at = coalesce(started_at, now()), state = 'running'
WHERE {CHALLENGES} AND state IN ('queued', 'running')
RETURNING {_COLUMNS}
"""  # noqa: S608 - column names
_OPEN_SHADOW = f"SELECT {_COLUMNS} FROM jobs WHERE {CHALLENGES} AND state = 'shadow'"  # noqa: S608 - column names


async def queue_job(connection: Connection, command: Command) -> bool:
    """Write the job that `command` asks for, queued; False if it was written before.

    A training or import while another one is open is written as skipped.
    """
    arguments = (command.id, command.command, "queued", dict(command.reason), command.version, command.by)
    if await connection.execute(_QUEUE, *arguments) == "INSERT 0 1":
        return True
    if await connection.fetchval("SELECT true FROM jobs WHERE id = $1", command.id):
        return False
    await connection.execute(_QUEUE, command.id, command.command, "skipped", *arguments[3:])
    other = await connection.fetchval(OPEN_TRAINING)
    await connection.execute(
        "UPDATE jobs SET ended_at = now(), ended = nextval('job_ends'), error = $2 WHERE id = $1",
        command.id,
        f"another training job is open: {other}" if other else "another training job was open",
    )
    return True


async def lock_job(connection: Connection, job_id: str) -> State | None:
    """The state of a job, which no other transaction changes before the caller's ends; None: there is no such job."""
    state: State | None = await connection.fetchval("SELECT state FROM jobs WHERE id = $1 FOR UPDATE", job_id)
    return state


async def write_shadow_tally(
    connection: Connection, job_id: str, tally: Mapping[str, Any], *, watched_s: float
) -> float:
    """Write the evidence so far to the metrics of a job in state `shadow`, and add `watched_s`; the sum of these."""
    return float(
        await connection.fetchval(
            # The metrics may be large. Unchanged, they are not written again.
            "UPDATE jobs SET watched_s = watched_s + $3, metrics = CASE WHEN metrics->'shadow' = $2::jsonb THEN metrics"
            " ELSE jsonb_set(metrics, '{shadow}', $2::jsonb) END WHERE id = $1 RETURNING watched_s",
            job_id,
            dict(tally),
            watched_s,
        )
    )


async def end_job(
    connection: Connection,
    job_id: str,
    state: State,
    *,
    version: int | None = None,
    metrics: Mapping[str, Any] | None = None,
    error: str | None = None,
    cut: int | None = None,
) -> bool:
    """End a job with its result; False: the job had ended before, and nothing was changed.

    `cut`: the newest correction that its training knew; None: it knew all that there are now.
    """
    facts = None if metrics is None else dict(metrics)
    status = await connection.execute(_END, job_id, state, version, facts, error, cut)
    return bool(status == "UPDATE 1")


async def begin_shadow(
    connection: Connection, job_id: str, version: int, metrics: Mapping[str, Any], *, cut: int
) -> None:
    """Set the state `shadow`: the job's model scores beside the champion from now on, and the job stays open.

    `cut`: the newest correction that its training knew.
    """
    await connection.execute(_SHADOW, job_id, version, dict(metrics), cut)


async def take_training(pool: Pool) -> Job | None:
    """The open training or import, which runs from now on, maybe again after an interruption; None: there is none."""
    with postgres_errors():
        row = await pool.fetchrow(_TAKE)
    return None if row is None else Job(*row)


async def open_shadow(connection: Connection | Pool, *, lock: bool = False) -> Job | None:
    """The job in state `shadow`, or None. `lock`: no other transaction changes it before the caller's ends."""
    with postgres_errors():
        row = await connection.fetchrow(_OPEN_SHADOW + (" FOR UPDATE" if lock else ""))
    return None if row is None else Job(*row)


async def read_job(pool: Pool, job_id: str) -> Job | None:
    """One job, or None."""
    with postgres_errors():
        row = await pool.fetchrow(f"SELECT {_COLUMNS} FROM jobs WHERE id = $1", job_id)  # noqa: S608 - column names
    return None if row is None else Job(*row)


async def list_jobs(
    pool: Pool, limit: int = 100, *, before: int | None = None, state: State | None = None, command: Verb | None = None
) -> list[Job]:
    """The newest jobs first; the next page begins with `before` = the last number."""
    query = (
        f"SELECT {_COLUMNS} FROM jobs WHERE ($2::bigint IS NULL OR number < $2) AND ($3::text IS NULL OR state = $3)"  # noqa: S608 - column names
        " AND ($4::text IS NULL OR command = $4) ORDER BY number DESC LIMIT $1"
    )
    with postgres_errors():
        return [Job(*row) for row in await pool.fetch(query, limit, before, state, command)]


def job_fields(job: Job) -> dict[str, Any]:
    """The job as the contract's JSON; times in ISO 8601."""
    return {
        "id": job.id,
        "command": job.command,
        "state": job.state,
        "reason": dict(job.reason),
        "requested": job.requested,
        "by": job.by,
        "version": job.version,
        "champion": job.champion,
        "metrics": None if job.metrics is None else dict(job.metrics),
        "queued_at": job.queued_at.isoformat(),
        "started_at": job.started_at.isoformat() if job.started_at else None,
        "ended_at": job.ended_at.isoformat() if job.ended_at else None,
        "error": job.error,
    }
