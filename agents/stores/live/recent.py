"""The recent view in Redis: batches, totals, dead letters. It follows what the database did, and may be lost.

Every number here only rises (and a first time only falls), and is written so (`ZADD … GT`): whichever worker writes
last, and in whatever order, the view ends where the database is. A key names the database that filled the view; where
it is missing or another's (Redis was away, restarted empty, flushed), the view is filled again from Postgres.

The event of each commit goes the same way, in the same pipeline, and a `reset` with each filling.
"""

from __future__ import annotations

import asyncio

import structlog
from redis.exceptions import WatchError

from relearn.agents.stores.live.event_content import batch_event
from relearn.agents.stores.live.events import DROPPED, put_events
from relearn.agents.stores.live.layout import KEPT_BATCHES, Changes, Keys, add, trim
from relearn.agents.stores.postgres import Pool, database_id, postgres_errors
from relearn.agents.stores.predictions.totals import BatchTotal, PartitionTotal
from relearn.agents.stores.redis import Redis, redis_errors
from relearn.schemas.errors import RedisUnavailable
from relearn.schemas.http.events import ResetEvent

log = structlog.get_logger()

#: No write takes longer than this, whatever Redis does.
_WRITE_S = 1.0

_BATCHES = """
SELECT batch, records, extract(epoch FROM first_at)::float8, extract(epoch FROM last_at)::float8
FROM batches ORDER BY last_at DESC LIMIT $1
"""


class RecentView:
    """Writes the view of one namespace. While Redis is away, `show` does nothing and costs nothing."""

    def __init__(self, redis: Redis, pool: Pool, namespace: str) -> None:
        self._redis = redis
        self._pool = pool
        self._namespace = namespace
        self._keys = Keys(namespace)
        self._database: str | None = None
        #: False until `tend` has found Redis answering.
        self.available = False
        self._gaps = 1
        self._mended = 0

    async def show(self, changes: Changes) -> bool:
        """Write changes that are committed; False where they were not, and `tend` will fill the view again."""
        if not self.available:
            return False
        try:
            with redis_errors():
                async with asyncio.timeout(_WRITE_S), self._redis.pipeline(transaction=False) as pipe:
                    pipe.get(self._keys.epoch)
                    add(pipe, self._keys, changes)
                    if changes:
                        put_events(pipe, self._namespace, batch_event(changes))
                    epoch, *_ = await pipe.execute()
        except RedisUnavailable as exc:
            self._lost(exc)
            return False
        if epoch != self._database:
            self._gaps += 1
        return True

    async def tend(self) -> bool:
        """Fill the view from Postgres where it may have gaps; call it at start and each second.

        True where it was filled now.

        Raises:
            PostgresUnavailable: Retryable.
        """
        if self._database is None:
            self._database = await database_id(self._pool)
        try:
            with redis_errors():
                async with self._redis.pipeline(transaction=False) as pipe:
                    pipe.get(self._keys.epoch)
                    trim(pipe, self._keys)
                    epoch, *_ = await pipe.execute()
            # From here on `show` writes again, so that nothing falls between the reading and the filling.
            self.available = True
            gaps = self._gaps
            if self._mended == gaps and epoch == self._database:
                return False
            everything = await _everything(self._pool)
            with redis_errors():
                await self._fill(everything)
        except RedisUnavailable as exc:
            self._lost(exc)
            return False
        self._mended = gaps
        log.info("recent_view_filled")
        return True

    def _lost(self, exc: RedisUnavailable) -> None:
        if self.available:
            log.warning("recent_view_lost", error=str(exc))
        self.available = False
        self._gaps += 1

    def _why(self) -> str:
        return DROPPED if self._gaps > 1 else "a worker has started"

    async def _fill(self, everything: Changes) -> None:
        """Write everything at once; what another database left is removed, what this one wrote is added to."""
        async with self._redis.pipeline() as pipe:
            while True:
                try:
                    await pipe.watch(self._keys.epoch)
                    same = await pipe.get(self._keys.epoch) == self._database
                    pipe.multi()  # type: ignore[no-untyped-call]
                    if not same:
                        pipe.delete(*self._keys.all())
                        pipe.set(self._keys.epoch, str(self._database))
                    add(pipe, self._keys, everything)
                    put_events(pipe, self._namespace, ResetEvent(self._why()))
                    await pipe.execute()
                except WatchError:
                    continue
                return


async def _everything(pool: Pool) -> Changes:
    with postgres_errors():
        totals = await pool.fetch("SELECT generation, kafka_partition, records, expired FROM totals")
        batches = await pool.fetch(_BATCHES, KEPT_BATCHES)
        dead_letters = await pool.fetch("SELECT topic, records FROM dead_letter_totals")
    return Changes(
        [PartitionTotal(*row) for row in totals],
        [BatchTotal(*row) for row in batches],
        {row["topic"]: row["records"] for row in dead_letters},
    )
