"""Daily partitions, of the two tables that have them: made when a day's first row comes, dropped when it is too old."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Literal, get_args

import asyncpg
import structlog

from relearn.agents.stores.postgres import Connection, Pool, postgres_errors

log = structlog.get_logger()

#: The tables that have a partition per UTC day of `ingested_at`.
Table = Literal["predictions", "shadow_predictions"]

#: One lock per namespace for creating partitions.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' partitions', 0))"
_EXISTING = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = $1::text::regclass
"""
_LOCK_WAIT_MS = 2000


def partition_name(table: Table, day: date) -> str:
    """`predictions_20260131`."""
    return f"{table}_{day:%Y%m%d}"


def day_of(seconds: float) -> date:
    """The UTC day that a time in seconds since the epoch falls in."""
    return datetime.fromtimestamp(seconds, UTC).date()


def oldest_kept(now_s: float, retention_days: int) -> date:
    """The first day whose rows are still kept; what was ingested before it is expired."""
    return day_of(now_s) - timedelta(days=retention_days)


async def make_partitions(connection: Connection, table: Table, days: Iterable[date]) -> None:
    """Make the table's partitions of these days that aren't there. Several workers may do it at once.

    The tables' owner makes and drops them, in functions of the schema: a worker's role may own nothing.
    """
    wanted = sorted(set(days))
    if not wanted:
        return
    async with connection.transaction():
        await connection.execute(_LOCK)
        existing = {row["relname"] for row in await connection.fetch(_EXISTING, table)}
        for day in wanted:
            name = partition_name(table, day)
            if name in existing:
                continue
            await connection.execute("SELECT make_partition($1, $2)", table, day)
            log.info("partition_made", partition=name)


async def drop_expired_partitions(pool: Pool, retention_days: int, now_s: float) -> list[str]:
    """Drop the partitions of days that are no longer kept; their names. One that is in use is left for the next time.

    Raises:
        PostgresUnavailable: Retryable.
    """
    oldest = oldest_kept(now_s, retention_days)
    dropped = []
    with postgres_errors():
        for table in get_args(Table):
            existing = sorted(row["relname"] for row in await pool.fetch(_EXISTING, table))
            expired = [name for name in existing if name < partition_name(table, oldest)]
            dropped += [name for name in expired if await _drop(pool, name)]
    return dropped


async def _drop(pool: Pool, name: str) -> bool:
    """Whether the partition could be dropped."""
    try:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = {_LOCK_WAIT_MS}")
            await connection.execute("SELECT drop_partition($1)", name)
    except asyncpg.LockNotAvailableError:
        log.info("partition_in_use", partition=name)
        return False
    log.info("partition_dropped", partition=name)
    return True
