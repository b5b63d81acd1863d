"""Retention: which daily partitions are dropped.

No worker's clock decides. The broker's append times do, each checked against Postgres' clock at the time of storing:
the last row of each Kafka partition, in the order of offsets, has both. A clock that is wrong makes the two differ.
While they differ, nothing is dropped, and every record is stored.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from relearn.agents.stores.postgres import Connection, Pool, postgres_errors, read_snapshot
from relearn.agents.stores.predictions.partitions import (
    TABLES,
    DailyPartition,
    day_of,
    drop_partition,
    read_partitions,
)

#: Maximum difference of two clocks that count as equal.
CLOCKS_APART_S = 3600.0
#: A drop of more days than MANY_DAYS, and of more than half of all, waits: see `Plan.many`.
MANY_DAYS = 7
#: Maximum number of batches that one look deletes.
BATCHES_AT_ONCE = 50_000

_TAILS = """
SELECT t.generation, t.kafka_partition, last.kafka_offset, extract(epoch FROM last.ingested_at)::float8,
    extract(epoch FROM last.stored_at)::float8
FROM totals t CROSS JOIN LATERAL (
    SELECT kafka_offset, ingested_at, stored_at FROM predictions
    WHERE generation = t.generation AND kafka_partition = t.kafka_partition
    ORDER BY kafka_offset DESC, record_index DESC LIMIT 1
) last
"""
# Names of batches come from producers: without this, the table would only grow.
_DROP_BATCHES = """
DELETE FROM batches WHERE batch IN (SELECT batch FROM batches WHERE last_at < $1 ORDER BY last_at LIMIT $2)
"""
NOW_S = "SELECT extract(epoch FROM clock_timestamp())::float8"

#: Generation and partition of the ingest topic.
Source = tuple[int, int]


class Tail(NamedTuple):
    """The last stored record of one Kafka partition: its append time by the broker, its time of storing by Postgres."""

    offset: int
    ingested_s: float
    stored_s: float

    @property
    def agrees(self) -> bool:
        """Whether the two clocks agreed when the record was stored."""
        return abs(self.ingested_s - self.stored_s) <= CLOCKS_APART_S


@dataclass(frozen=True, slots=True)
class Plan:
    """The partitions to drop, those of days before `oldest`; None: nothing is known.

    `held`: why expired partitions, if there are any, are kept; None: nothing is held.

    `many`: the part of `predictions` that would go at once, if it is most of the table. A clock of the whole machine
    that jumped ahead looks like that, so `drop_expired_partitions` drops nothing then unless it is allowed to.
    """

    expired: Sequence[DailyPartition] = ()
    held: str | None = None
    many: str | None = None
    oldest: date | None = None


@dataclass(frozen=True, slots=True)
class Retained:
    """The result of one look: the names of dropped partitions, and see `Plan`."""

    dropped: Sequence[str]
    held: str | None = None
    many: str | None = None


def oldest_kept(broker_s: float, retention_days: int) -> date:
    """The first day that is kept when the broker's newest append time is `broker_s`."""
    return day_of(broker_s) - timedelta(days=retention_days)


def plan_drops(
    partitions: Sequence[DailyPartition], tails: Collection[Tail], *, retention_days: int, now_s: float
) -> Plan:
    """The partitions whose days are no longer kept. `now_s`: Postgres' clock.

    Only the Kafka partitions with rows of the last hour count, up to the last row of all: a clock that went wrong is
    seen in these first.
    """
    # Rows from a time when Postgres' clock was ahead, and has been set back since, do not count.
    tails = [tail for tail in tails if tail.stored_s <= now_s + CLOCKS_APART_S]
    if not tails:
        return Plan()
    newest_stored_s = max(tail.stored_s for tail in tails)
    active = [tail for tail in tails if tail.stored_s >= newest_stored_s - CLOCKS_APART_S]
    apart = max(active, key=lambda tail: abs(tail.ingested_s - tail.stored_s))
    if not apart.agrees:
        return Plan(held=_differ("the newest record was appended at", apart.ingested_s, "stored at", apart.stored_s))
    broker_s = max(tail.ingested_s for tail in active)
    if now_s < broker_s - CLOCKS_APART_S:
        return Plan(held=_differ("the newest record was appended at", broker_s, "Postgres' clock shows", now_s))
    oldest = oldest_kept(broker_s, retention_days)
    # A partition made lately has rows stored lately, whatever time a broker gave them.
    expired = [
        one
        for one in partitions
        if one.day is not None and one.day < oldest and (one.made_s is None or day_of(one.made_s) < oldest)
    ]
    days = {one.day for one in partitions if one.table == "predictions"}
    going = {one.day for one in expired if one.table == "predictions"}
    if going and going == days:
        return Plan(held=f"all {len(days)} daily partitions of `predictions` would be dropped")
    most = len(going) > max(MANY_DAYS, len(days) // 2)
    many = f"{len(going)} of {len(days)} daily partitions of `predictions`" if most else None
    return Plan(expired, many=many, oldest=oldest)


async def read_tails(connection: Connection) -> dict[Source, Tail]:
    """The last stored record of each Kafka partition, in the order of offsets."""
    return {(generation, partition): Tail(*rest) for generation, partition, *rest in await connection.fetch(_TAILS)}


async def drop_expired_partitions(pool: Pool, retention_days: int, *, allow_many: bool = True) -> Retained:
    """Drop the partitions of days that are no longer kept, and the totals of batches that ended before.

    A partition that is in use is left for the next time.

    `allow_many`: drop them also where most of the table would go.

    Raises:
        PostgresUnavailable: Retryable.
    """
    async with read_snapshot(pool, index_only=True) as connection:
        tails = await read_tails(connection)
        now_s = await connection.fetchval(NOW_S)
    with postgres_errors():
        async with pool.acquire() as connection:
            partitions = [one for table in TABLES for one in await read_partitions(connection, table)]
    plan = plan_drops(partitions, tails.values(), retention_days=retention_days, now_s=now_s)
    if plan.many is not None and not allow_many:
        return Retained((), many=plan.many)
    with postgres_errors():
        dropped = [one.name for one in plan.expired if await drop_partition(pool, one.name)]
        if plan.oldest is not None:
            begin = datetime(plan.oldest.year, plan.oldest.month, plan.oldest.day, tzinfo=UTC)
            await pool.execute(_DROP_BATCHES, begin, BATCHES_AT_ONCE)
    return Retained(dropped, plan.held, plan.many)


def _differ(one: str, one_s: float, other: str, other_s: float) -> str:
    shown = [f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S}" for at_s in (one_s, other_s)]
    return f"{one} {shown[0]}, {other} {shown[1]} (UTC): the broker's and Postgres' clocks differ"
