"""Figures of a whole deployment, for `relearn status` and the demo's checks: champion, totals, dead letters, pauses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from relearn.agents.stores.gaps import recent_gaps
from relearn.agents.stores.postgres import Connection, Pool, as_python_values, postgres_errors, quoted
from relearn.agents.stores.training.champion import CHAMPION
from relearn.agents.stores.training.loop_facts import Loop, loop_of
from relearn.schemas.settings import Settings

CONNECT_TIMEOUT_S = 3.0
COMMAND_TIMEOUT_S = 10.0

_CHAMPION = f"SELECT version, activation, job, at FROM {CHAMPION} AS champion"  # noqa: S608 - names of our own
_TOTALS = """
SELECT coalesce(sum(records), 0)::bigint AS records, coalesce(sum(expired), 0)::bigint AS expired FROM totals
"""
_DEAD_LETTERS = """
SELECT reason, count(*) AS records, count(*) FILTER (WHERE redriven_at IS NULL) AS open
FROM dead_letters GROUP BY reason ORDER BY open DESC, records DESC, reason
"""
_PAUSES = "SELECT agent, reason, paused_at FROM pauses WHERE resumed_at IS NULL ORDER BY id"
_RECORDS_AND_DEAD_LETTERS = """
SELECT (SELECT coalesce(sum(records), 0) FROM totals)::bigint,
    (SELECT coalesce(sum(records), 0) FROM dead_letter_totals)::bigint
"""
_PREDICTIONS = "SELECT count(*) FROM predictions WHERE ingested_at >= to_timestamp($1) AND starts_with(id, $2)"
_CORRECTIONS = "SELECT count(*) FROM corrections WHERE reviewer = $1"
# Per partition a range of offsets along the primary key.
_LABELS = """
SELECT r.kafka_partition, r.kafka_offset, r.record_index, r.label
FROM unnest($2::int[], $3::bigint[], $4::bigint[]) AS wanted (partition, first, last)
CROSS JOIN LATERAL (
    SELECT kafka_partition, kafka_offset, record_index, label FROM predictions
    WHERE generation = $1 AND kafka_partition = wanted.partition AND ingested_at >= to_timestamp($5)
        AND kafka_offset BETWEEN wanted.first AND wanted.last
) r
"""


@dataclass(frozen=True, slots=True)
class DeploymentFigures:
    """Champion (None: there is none), stored and expired records, dead letters by reason, open pauses, gaps, loop."""

    champion: Mapping[str, Any] | None
    totals: Mapping[str, Any]
    dead_letters: list[Mapping[str, Any]]
    pauses: list[Mapping[str, Any]]
    gaps: list[Mapping[str, Any]]
    loop: Loop


async def read_deployment(settings: Settings) -> DeploymentFigures:
    """Reads all figures on a connection of its own, which is closed afterwards.

    Raises:
        PostgresUnavailable: Postgres doesn't answer within three seconds.
        SetupError: the tables don't exist.
    """
    with postgres_errors():
        connection = await asyncpg.connect(
            settings.postgres_dsn,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=COMMAND_TIMEOUT_S,
            server_settings={"search_path": quoted(settings.namespace)},
        )
        try:
            await as_python_values(connection)
            return DeploymentFigures(
                await connection.fetchrow(_CHAMPION),
                await connection.fetchrow(_TOTALS),
                await connection.fetch(_DEAD_LETTERS),
                await connection.fetch(_PAUSES),
                await recent_gaps(connection),
                await _loop(connection, settings),
            )
        finally:
            await connection.close(timeout=CONNECT_TIMEOUT_S)


async def _loop(connection: Connection, settings: Settings) -> Loop:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return await loop_of(connection, settings)


async def read_totals(pool: Pool) -> tuple[int, int]:
    """The numbers of all records and of all dead letters that were ever stored."""
    with postgres_errors():
        row = await pool.fetchrow(_RECORDS_AND_DEAD_LETTERS)
    return row[0], row[1]


async def count_predictions(pool: Pool, *, since_s: float, id_prefix: str) -> int:
    """The number of predictions ingested since a time, epoch seconds, whose record ids begin with `id_prefix`."""
    with postgres_errors():
        count: int = await pool.fetchval(_PREDICTIONS, since_s, id_prefix)
    return count


async def count_corrections(pool: Pool, reviewer: str) -> int:
    """The number of rows in `corrections` by one reviewer, confirmations included."""
    with postgres_errors():
        count: int = await pool.fetchval(_CORRECTIONS, reviewer)
    return count


async def stored_labels(
    pool: Pool, generation: int, spans: Mapping[int, tuple[int, int]], since_s: float
) -> list[tuple[int, int, int, str]]:
    """Predictions within spans of offsets, both ends included, as (partition, offset, index, label).

    `spans` maps partitions to their first and last offset; `since_s` is a time before their ingestion, epoch seconds.
    """
    first, last = [low for low, _ in spans.values()], [high for _, high in spans.values()]
    with postgres_errors():
        rows = await pool.fetch(_LABELS, generation, list(spans), first, last, since_s)
    return [tuple(row) for row in rows]
