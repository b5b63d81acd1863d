"""Batches, from the view in Redis if it is of this database and goes back far enough, else from Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import structlog

from relearn.agents.stores.live.layout import read_batches
from relearn.agents.stores.postgres import Connection, Pool, database_id, read_snapshot
from relearn.agents.stores.predictions.totals import BatchTotal
from relearn.agents.stores.redis import Redis
from relearn.api.http.cursors import moment
from relearn.api.queries.predictions import REVIEWED
from relearn.schemas.errors import RedisUnavailable
from relearn.schemas.http.batches import COUNTED

log = structlog.get_logger()

# Byte order, as in Redis: a list may begin there and continue here.
_PAGE = """
SELECT batch, records, first_at, last_at FROM batches
WHERE last_at <= $1 AND (last_at < $1 OR batch COLLATE "C" < $2)
ORDER BY last_at DESC, batch COLLATE "C" DESC LIMIT $3
"""
_ONE = "SELECT batch, records, first_at, last_at FROM batches WHERE batch = $1"
# `batch >= $1 AND batch <= $1`: see `api.queries.predictions`.
_COUNTS = f"""
SELECT label, model, count(*) AS records, count(*) FILTER (WHERE {REVIEWED}) AS reviewed FROM (
    SELECT generation, kafka_partition, kafka_offset, record_index, label, model FROM predictions
    WHERE batch >= $1 AND batch <= $1 AND ingested_at BETWEEN $2 AND $3
    ORDER BY batch DESC, ingested_at DESC LIMIT {COUNTED}
) AS walked GROUP BY label, model ORDER BY label, model
"""  # noqa: S608 - nothing but names and numbers of our own


class StoredBatch(NamedTuple):
    """Stored records of one batch so far, and when the broker received its first and last record."""

    batch: str
    records: int
    first_at: datetime
    last_at: datetime


class Counts(NamedTuple):
    """Records of a batch with one label from one model, and how many of them are reviewed."""

    label: str
    model: int
    records: int
    reviewed: int


class RecentBatches:
    """The batches of one namespace, ordered by their last record, newest first."""

    def __init__(self, redis: Redis, pool: Pool, namespace: str) -> None:
        self._redis = redis
        self._pool = pool
        self._namespace = namespace
        self._database: str | None = None
        self._without_redis = False

    async def page(self, after: tuple[datetime, str] | None, limit: int) -> Sequence[StoredBatch]:
        """At most `limit` batches after a time and name.

        Raises:
            PostgresUnavailable: Redis can't answer, and Postgres doesn't.
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
        async with read_snapshot(self._pool, index_only=True) as connection:
            rows = await connection.fetch(_PAGE, *(after or (datetime.max.replace(tzinfo=UTC), "")), limit)
        return [StoredBatch(*row) for row in rows]

    async def _from_redis(self, after: tuple[datetime, str] | None, limit: int) -> list[StoredBatch] | None:
        """The page; None if the view is of another database, or doesn't go back far enough."""
        if self._database is None:
            self._database = await database_id(self._pool)
        shown = await read_batches(self._redis, self._namespace, after=after, limit=limit)
        if shown.database != self._database:
            # The database may have changed too: read its id again next time.
            self._database = None
            return None
        return [_stored(one) for one in shown.batches] if shown.enough else None


async def read_batch(connection: Connection, batch: str) -> tuple[StoredBatch, Sequence[Counts]] | None:
    """One batch and its counts, or None. `connection` is of `read_snapshot(…, index_only=True)`."""
    row: Any = await connection.fetchrow(_ONE, batch)
    if row is None:
        return None
    rows = await connection.fetch(_COUNTS, batch, row["first_at"], row["last_at"])
    return StoredBatch(*row), [Counts(*one) for one in rows]


def _stored(one: BatchTotal) -> StoredBatch:
    first_at, last_at = (moment(round(1e6 * at_s)) for at_s in (one.first_s, one.last_s))
    return StoredBatch(one.batch, one.records, first_at, last_at)
