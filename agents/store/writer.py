"""Storing one chunk: its blocks in one transaction, its dead letters in another, then the totals in Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import structlog

from relearn.agents.availability.open_once import OpenOnce
from relearn.agents.availability.retry import Retry
from relearn.agents.store.decode import Known, decode_blocks, decode_letters, split_known
from relearn.agents.store.retention_watch import RetentionWatch
from relearn.agents.stores.dead_letters import store_dead_letters
from relearn.agents.stores.features.versions import read_versions
from relearn.agents.stores.live.layout import Changes
from relearn.agents.stores.live.recent import RecentView
from relearn.agents.stores.postgres import Pool, open_pool
from relearn.agents.stores.predictions.insert import Stored, store_blocks
from relearn.agents.stores.predictions.keyed_writes import forget_writes
from relearn.agents.stores.redis import open_redis
from relearn.agents.stores.topic_generations import Generations, newest_generation
from relearn.agents.stores.training.examples import feature_widths
from relearn.agents.worker.consumer import Chunk
from relearn.agents.worker.loop import Receipts
from relearn.agents.worker.state import WorkerState
from relearn.schemas.errors import PostgresUnavailable, SetupError
from relearn.schemas.messages.dead_letters import DeadLetter
from relearn.schemas.messages.predictions import Block
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name

log = structlog.get_logger()

#: Transactions in flight: while one waits for its commit, the rows of the next are sent.
IN_FLIGHT = 2
_MAINTAIN_EVERY_S = 1.0
_FORGET_EVERY_S = 3600.0
_MAINTENANCE = "maintenance"


class _Opened(NamedTuple):
    """What a store worker opens."""

    pool: Pool
    view: RecentView
    generations: Generations


class StoreWriter:
    """The handlers of the store agents. Nothing is opened before the first call."""

    def __init__(self, settings: Settings, state: WorkerState, *, stop: Callable[[], bool]) -> None:
        #: True once Postgres has answered.
        self.ready = False
        self._settings = settings
        self._state = state
        self._retry = Retry(state, stop)
        self._ingest = topic_name(settings.namespace, "ingest")
        self._retention = RetentionWatch(settings.retention_days, state.notices)
        #: Read again when a block exceeds it.
        self._known = Known(0, frozenset())
        self._redis = open_redis(settings)
        self._opened = OpenOnce(self._open)

    async def take_blocks(self, chunk: Chunk) -> Receipts:
        """Decode the blocks of one chunk; the receipt is the commit of the transaction that stores them all."""
        generation = await self._generation(chunk)
        now_s = time.time()
        decoded, letters = decode_blocks(chunk.records, generation=generation, now_s=now_s)
        if any(self._known.exceeded_by(one.block) for one in decoded):
            self._known = await self._read_known()
            decoded, others = split_known(decoded, self._known, generation=generation, now_s=now_s)
            letters += others
        return [self.store([one.block for one in decoded], letters)]

    async def _read_known(self) -> Known:
        pool = (await self._opened.get()).pool

        async def read() -> Known:
            gaps = any(bool(one.version.schema.gaps.any()) for one in await read_versions(pool))
            return Known(await newest_generation(pool, self._ingest), await feature_widths(pool), gaps)

        return await self._retry.until_available(read, "Postgres")

    async def take_letters(self, chunk: Chunk) -> Receipts:
        """Decode the dead letters of one chunk; the receipt is their commit."""
        generation = await self._generation(chunk)
        return [self.store([], decode_letters(chunk.records, generation=generation, now_s=time.time()))]

    async def _generation(self, chunk: Chunk) -> int:
        """The generation of the topic that the chunk was fetched from."""
        opened = await self._opened.get()
        return await self._retry.until_available(lambda: opened.generations.of(chunk.topic, chunk.topic_id), "Postgres")

    async def store(self, blocks: Sequence[Block], letters: Sequence[DeadLetter]) -> None:
        """Store blocks and letters, retrying while Postgres is unavailable, then write the new totals to Redis.

        Raises:
            Stopping: asked to stop while waiting; what was not stored is read again.
        """
        opened = await self._opened.get()
        pool, view = opened.pool, opened.view
        began = time.perf_counter()
        changes = []
        if blocks:
            stored = await self._retry.until_available(lambda: self._store_blocks(pool, blocks), "Postgres")
            changes.append(Changes(stored.totals, stored.batches, stored.dead_letters))
            rows = {"rows": stored.inserted, "duplicates": stored.duplicates, "expired": stored.expired}
            log.debug("blocks_stored", **rows, blocks=len(blocks), refused=stored.refused, ms=_ms_since(began))
            self._state.records += sum(map(len, blocks))
            self._state.progressed()
        if letters:
            dead = await self._retry.until_available(
                lambda: store_dead_letters(pool, letters, on_progress=self._count), "Postgres"
            )
            changes.append(Changes(dead_letters=dead.totals))
            log.debug("dead_letters_stored", rows=dead.inserted, ms=_ms_since(began))
        for change in changes:
            await view.show(change)

    def _count(self, rows: int) -> None:
        self._state.records += rows

    async def _store_blocks(self, pool: Pool, blocks: Sequence[Block]) -> Stored:
        return await store_blocks(pool, blocks, topic=self._ingest, retention_days=self._settings.retention_days)

    async def maintain(self, stop: Callable[[], bool]) -> None:
        """Until `stop()`: drop expired partitions, and fill the recent view where it has gaps."""
        opened = await self._opened.get()
        pool, view = opened.pool, opened.view
        next_s = 0.0
        while not stop():
            try:
                await self._retention.look(pool)
                if time.monotonic() >= next_s:
                    await forget_writes(pool)
                    next_s = time.monotonic() + _FORGET_EVERY_S
                self.ready = True
                await view.tend()
            except (PostgresUnavailable, SetupError) as exc:
                log.debug("maintenance_waits", error=str(exc))
                self._state.notices.set(_MAINTENANCE, str(exc))
            else:
                self._state.notices.clear(_MAINTENANCE)
            await asyncio.sleep(_MAINTAIN_EVERY_S)

    async def _open(self) -> _Opened:
        pool = await open_pool(self._settings, size=IN_FLIGHT + 2)
        return _Opened(pool, RecentView(self._redis, pool, self._settings.namespace), Generations(pool))

    async def close(self, *_: Any, **__: Any) -> None:
        """Disconnect."""
        if self._opened.value is not None:
            self._opened.value.pool.terminate()
        await self._redis.aclose()


def _ms_since(began_s: float) -> float:
    return round(1000 * (time.perf_counter() - began_s), 2)
