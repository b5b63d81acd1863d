"""The state of the learning loop, read from Postgres in one snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from relearn.agents.learning.loop_state import LoopState, OpenShadow, OpenTraining, OpenWork, loop_state
from relearn.agents.learning.policy import Decision, Facts, Limits
from relearn.agents.learning.significance import Tally
from relearn.agents.stores.postgres import Connection, Pool, read_snapshot
from relearn.agents.stores.training.jobs import CHALLENGES
from relearn.agents.stores.training.policy_facts import Hold, facts_of, read_hold
from relearn.schemas.settings import Settings

_TRAINING = f"""
SELECT id, state = 'running', reason, by, extract(epoch FROM coalesce(started_at, queued_at))::float8
FROM jobs WHERE {CHALLENGES} AND state IN ('queued', 'running')
"""  # noqa: S608 - names of our own
# The evidence is stored on the job whenever it changes; before the first check there is none.
_SHADOW = f"""
SELECT version, id, champion, metrics->'shadow' AS tally, watched_s, extract(epoch FROM trained_at)::float8 AS since_s
FROM jobs WHERE {CHALLENGES} AND state = 'shadow' AND champion IS NOT NULL
"""  # noqa: S608 - names of our own
# Jobs that had an effect, and trainings, have a cut. Of a shadow's job `trained_at` is set, and `ended_at` isn't.
_CHANGED = """
SELECT extract(epoch FROM coalesce(
    (SELECT max(greatest(trained_at, ended_at)) FROM jobs WHERE cut IS NOT NULL), (SELECT min(at) FROM migrations)
))::float8
"""
# Of the newest training that made a model. Others left nothing.
_NEWEST = """
SELECT coalesce((metrics->'trained_on'->>'waiting_for_later_jobs')::int, 0) AS waiting,
    CASE WHEN state <> 'promoted' AND (metrics->'gate'->'evidence'->>'rows')::int = 0
        THEN (metrics->'trained_on'->>'corrections')::int + (metrics->'trained_on'->>'confirmations')::int
        ELSE 0 END AS unjudged
FROM jobs WHERE command = 'train' AND cut IS NOT NULL AND version IS NOT NULL ORDER BY number DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Loop:
    """The loop's state, with the policy's decision and all facts that it was made of."""

    state: LoopState
    decision: Decision
    facts: Facts
    work: OpenWork
    hold: Hold | None


async def read_loop(pool: Pool, settings: Settings, *, audits: bool = False) -> Loop:
    """The loop now. `audits`: the facts have the champion's audits even if no limit needs them.

    Raises:
        PostgresUnavailable: Retryable.
    """
    async with read_snapshot(pool) as connection:
        return await loop_of(connection, settings, audits=audits)


async def loop_of(connection: Connection, settings: Settings, *, audits: bool = False) -> Loop:
    """As `read_loop`, in the caller's snapshot."""
    limits = Limits.of(settings)
    facts, now_s = await facts_of(connection, limits, audits=audits)
    hold = await read_hold(connection)
    row = await connection.fetchrow(_TRAINING)
    training = None if row is None else OpenTraining(*row)
    shadow = _shadow(await connection.fetchrow(_SHADOW))
    changed_s, newest = await connection.fetchval(_CHANGED), await connection.fetchrow(_NEWEST) or (0, 0)
    work = OpenWork(training, shadow, None if hold is None else hold.at.timestamp(), changed_s, *newest)
    state, decision = loop_state(facts, limits, work, shadow_labels=settings.shadow_labels, now_s=now_s)
    return Loop(state, decision, facts, work, hold)


def iso_time(at_s: float) -> str:
    """Seconds since 1970 in ISO 8601, UTC."""
    return datetime.fromtimestamp(at_s, UTC).isoformat()


def iso_time_or_none(at_s: float | None) -> str | None:
    """As `iso_time`; None if the time isn't known."""
    return None if at_s is None else iso_time(at_s)


def _shadow(row: Any) -> OpenShadow | None:
    if row is None:
        return None
    tally = Tally(0, 0, 0) if row["tally"] is None else Tally(**row["tally"])
    return OpenShadow(row["version"], row["id"], row["champion"], tally, row["watched_s"], row["since_s"])
