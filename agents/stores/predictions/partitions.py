"""Daily partitions, of the two tables that have them: made when a day's first row comes, dropped by `retention`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, NamedTuple, get_args

import asyncpg
import numpy as np
import structlog
from numpy.typing import NDArray

from relearn.agents.stores.postgres import Connection, Pool
from relearn.agents.stores.predictions.binary_copy import timestamp_us

log = structlog.get_logger()

#: The tables that have a partition per UTC day of `ingested_at`.
Table = Literal["predictions", "shadow_predictions"]
TABLES: tuple[Table, ...] = get_args(Table)

#: One lock per namespace for creating partitions.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' partitions', 0))"
_UTC = "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'"
_EXISTING = """
SELECT c.relname, c.relkind = 'r' AND c.relnamespace = p.relnamespace AS plain, pg_get_expr(c.relpartbound, c.oid),
    extract(epoch FROM d.made_at)::float8
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
LEFT JOIN daily_partitions d ON d.name = c.relname
WHERE i.inhparent = $1::text::regclass ORDER BY 1
"""
_MADE = """
INSERT INTO daily_partitions (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET made_at = clock_timestamp()
"""
_LOCK_WAIT_MS = 2000
_DAY_US = 86_400_000_000
_DAY_ZERO = date(2000, 1, 1)


class DailyPartition(NamedTuple):
    """A partition of a table. `day`: None where Relearn did not make it, by its name, bounds and schema.

    `made_s`: when it was made, by Postgres' clock; None: unknown.
    """

    table: Table
    name: str
    day: date | None
    made_s: float | None = None


def partition_name(table: Table, day: date) -> str:
    """`predictions_20260131`."""
    return f"{table}_{day:%Y%m%d}"


def day_of(seconds: float) -> date:
    """The UTC day that a time in seconds since the epoch falls in."""
    return datetime.fromtimestamp(seconds, UTC).date()


def day_numbers(times_s: Any) -> NDArray[np.int64]:
    """(n,) UTC days, counted from 2000-01-01, of (n,) times in seconds since the epoch."""
    numbers: NDArray[np.int64] = timestamp_us(times_s) // _DAY_US
    return numbers


def day_number(day: date) -> int:
    """A day as `day_numbers` counts."""
    return (day - _DAY_ZERO).days


def days_of(times_s: Any) -> set[date]:
    """The UTC days of (n,) times in seconds since the epoch."""
    return {_DAY_ZERO + timedelta(days=int(number)) for number in np.unique(day_numbers(times_s))}


async def read_partitions(connection: Connection, table: Table) -> list[DailyPartition]:
    """The table's partitions, by name."""
    async with connection.transaction():
        await connection.execute(_UTC)
        rows = await connection.fetch(_EXISTING, table)
    return [
        DailyPartition(table, name, _day(table, name, bound) if plain else None, made_s)
        for name, plain, bound, made_s in rows
    ]


async def lock_partitions(connection: Connection) -> None:
    """Let no other worker make partitions before the end of the caller's transaction."""
    await connection.execute(_LOCK)


async def make_partitions(connection: Connection, table: Table, days: Iterable[date]) -> None:
    """Make the table's partitions of these days that aren't there. Several workers may do it at once.

    The tables' owner makes and drops them, in functions of the schema: a worker's role may own nothing. A day that
    has a partition of another name, or none for another reason, is logged.
    """
    wanted = sorted(set(days))
    if not wanted:
        return
    async with connection.transaction():
        await lock_partitions(connection)
        existing = {one.name for one in await read_partitions(connection, table)}
        for day in wanted:
            name = partition_name(table, day)
            if name in existing:
                continue
            try:
                async with connection.transaction():
                    await connection.execute("SELECT make_partition($1, $2)", table, day)
                    await connection.execute(_MADE, name)
            except (
                asyncpg.InvalidObjectDefinitionError,
                asyncpg.DuplicateTableError,
                asyncpg.CheckViolationError,
            ) as exc:
                # Another partition covers the day, or another table has the name. Relearn made neither.
                log.warning("partition_not_made", partition=name, error=str(exc))
            else:
                log.info("partition_made", partition=name)


async def drop_partition(pool: Pool, name: str) -> bool:
    """Drop a partition; False: it is in use."""
    try:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = {_LOCK_WAIT_MS}")
            await connection.execute("SELECT drop_partition($1)", name)
            await connection.execute("DELETE FROM daily_partitions WHERE name = $1", name)
    except asyncpg.LockNotAvailableError:
        log.info("partition_in_use", partition=name)
        return False
    log.info("partition_dropped", partition=name)
    return True


def _day(table: Table, name: str, bound: str) -> date | None:
    found = re.fullmatch(rf"{table}_(\d{{8}})", name)
    if found is None:
        return None
    try:
        day = datetime.strptime(found[1], "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None
    bounds = f"FOR VALUES FROM ('{day} 00:00:00+00') TO ('{day + timedelta(days=1)} 00:00:00+00')"
    return day if bound == bounds else None
