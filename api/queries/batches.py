"""Batches from Redis, where its view is this database's and reaches far enough; else from Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import structlog

from relearn.agents.stores.live.batches import read_batches
from relearn.agents.stores.postgres import Connection, Pool, database_id
from relearn.agents.stores.predictions.totals import BatchTotal
from relearn.agents.stores.redis import Redis
from relearn.api.http.cursors import moment
from relearn.api.queries.index_only import along
from relearn.api.queries.predictions import REVIEWED
from relearn.schemas.errors import RedisUnavailable
from relearn.schemas.http.batches import COUNTED

log = structlog.get_logger()

# Byte order, as Redis has it: a list may be begun there and go on here.
_PAGE = """
SELECT batch, records, first_at, last_at FROM batches
WHERE last_at <= $1 AND (last_at < $1 OR batch COLLATE "C" < $2)
ORDER BY last_at DESC, batch COLLATE "C" DESC LIMIT $3
"""
_ONE = "SELECT batch, records, first_at, last_at FROM batches WHERE batch = $1"
# As a span from the batch to itself: see `api.queries.predictions`.
_COUNTS = f"""
SELECT label, model, count(*) AS records, count(*) FILTER (WHERE {REVIEWED}) AS reviewed FROM (
    SELECT generation, kafka_partition, kafka_offset, record_index, label, model FROM predictions
    WHERE batch >= $1 AND batch <= $1 AND ingested_at BETWEEN $2 AND $3
    ORDER BY batch DESC, ingested_at DESC LIMIT {COUNTED}
) AS walked GROUP BY label, model ORDER BY label, model
"""  # noqa: S608 - nothing but names and numbers of our own


class Stored(NamedTuple):
    """What was stored of one batch so far, and when the broker had its first and last record."""

    batch: str
    records: int
    first_at: datetime
    last_at: datetime


class Counts(NamedTuple):
    """How many records of a batch one model gave one label, and how many of those are reviewed."""

    label: str
    model: int
    records: int
    reviewed: int


class RecentBatches:
    """The batches of one namespace, those that got a record last first."""

    def __init__(self, redis: Redis, pool: Pool, namespace: str) -> None:
        self._redis = redis
        self._pool = pool
        self._namespace = namespace
        self._database: str | None = None
        self._without_redis = False

    async def page(self, after: tuple[datetime, str] | None, limit: int) -> Sequence[Stored]:
        """At most so many after a time and name.

        Raises:
            PostgresUnavailable: it is needed, and doesn't answer.
        """
        try:
            found = await self._from_redis(after, limit)
        except RedisUnavailable as exc:
            if not self._without_redis:
                log.warning("batches_without_redis", error=str(exc))
            self._without_redis, found = True, None
        else:
            self._without_redis = False
        if found is not None:
            return found
        async with along(self._pool) as connection:
            rows = await connection.fetch(_PAGE, *(after or (datetime.max.replace(tzinfo=UTC), "")), limit)
        return [Stored(*row) for row in rows]

    async def _from_redis(self, after: tuple[datetime, str] | None, limit: int) -> list[Stored] | None:
        """The same; None where the view is another database's, or doesn't go back so far."""
        if self._database is None:
            self._database = await database_id(self._pool)
        shown = await read_batches(self._redis, self._namespace, after=after, limit=limit)
        if shown.database != self._database:
            # Or this is another database by now.
            self._database = None
            return None
        return [_stored(one) for one in shown.batches] if shown.enough else None


async def read_batch(connection: Connection, batch: str) -> tuple[Stored, Sequence[Counts]] | None:
    """One batch and its counts, or None. The connection is such as `api.queries.index_only` opens."""
    row: Any = await connection.fetchrow(_ONE, batch)
    if row is None:
        return None
    rows = await connection.fetch(_COUNTS, batch, row["first_at"], row["last_at"])
    return Stored(*row), [Counts(*one) for one in rows]


def _stored(one: BatchTotal) -> Stored:
    first_at, last_at = (moment(round(1e6 * at_s)) for at_s in (one.first_s, one.last_s))
    return Stored(one.batch, one.records, first_at, last_at)
