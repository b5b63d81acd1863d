"""The store role: `predictions` → rows in Postgres, then the recent view in Redis; `dead-letters` → their table."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import faust
import structlog

from relearn.agents.store.decode import decode_blocks, decode_letters
from relearn.agents.stores.dead_letters import store_dead_letters
from relearn.agents.stores.live.layout import Changes
from relearn.agents.stores.live.recent import RecentView
from relearn.agents.stores.postgres import Pool, open_pool
from relearn.agents.stores.predictions.insert import store_blocks
from relearn.agents.stores.predictions.partitions import drop_expired_partitions
from relearn.agents.stores.redis import open_redis
from relearn.agents.worker.app import make_app
from relearn.agents.worker.driver import Chunk, chunk_topic
from relearn.agents.worker.heartbeat import WorkerState, attach_heartbeat
from relearn.agents.worker.loop import Receipts, process_chunks
from relearn.agents.worker.readiness import attach_readiness
from relearn.agents.worker.retry import retry_until_available
from relearn.agents.worker.shutdown import run_until_stopped
from relearn.agents.worker.watchdog import attach_watchdog
from relearn.schemas.errors import PostgresUnavailable
from relearn.schemas.messages.dead_letters import DeadLetter
from relearn.schemas.messages.predictions import Block
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name

T = TypeVar("T")
log = structlog.get_logger()

#: Transactions at a time: while one waits for its commit, the next one's rows are on their way.
IN_FLIGHT = 2
_TEND_EVERY_S = 1.0
_EXPIRE_EVERY_S = 3600.0


def build(settings: Settings, worker_id: str | None) -> faust.App:
    """The Faust app of one store worker."""
    app = make_app(settings, "store", worker_id)
    state = WorkerState(worker_id or "store", "store")
    writer = StoreWriter(settings, state, stop=lambda: app.should_stop or app.rebalancing)

    async def store_predictions(stream: Any) -> None:
        await process_chunks(app, stream, writer.take_blocks, in_flight=IN_FLIGHT)

    async def store_letters(stream: Any) -> None:
        await process_chunks(app, stream, writer.take_letters)

    async def maintenance() -> None:
        await run_until_stopped(app, lambda: writer.maintenance(lambda: app.should_stop))

    app.agent(chunk_topic(app, topic_name(settings.namespace, "predictions")))(store_predictions)
    app.agent(chunk_topic(app, topic_name(settings.namespace, "dead-letters")))(store_letters)
    app.task(maintenance)
    attach_readiness(app, state, waiting_for="Postgres", holds=lambda: writer.ready)
    attach_heartbeat(app, settings, state)
    attach_watchdog(app, state)
    app.on_before_shutdown.connect(writer.close, weak=False)
    return app


class StoreWriter:
    """What the store agents work with. Nothing is opened before the first call."""

    def __init__(self, settings: Settings, state: WorkerState, *, stop: Callable[[], bool]) -> None:
        self.stop = stop
        #: True once Postgres has answered.
        self.ready = False
        self._settings = settings
        self._state = state
        self._ingest = topic_name(settings.namespace, "ingest")
        self._redis = open_redis(settings)
        self._opening = asyncio.Lock()
        self._opened: tuple[Pool, RecentView] | None = None

    async def take_blocks(self, chunk: Chunk) -> Receipts:
        """Read the blocks of one chunk; the receipt is the commit of the transaction that stores them all."""
        blocks, unreadable = decode_blocks(chunk.records, now_s=time.time())
        return [self.store(blocks, unreadable)]

    async def take_letters(self, chunk: Chunk) -> Receipts:
        """Read the dead letters of one chunk; the receipt is their commit."""
        return [self.store([], decode_letters(chunk.records, now_s=time.time()))]

    async def store(self, blocks: Sequence[Block], letters: Sequence[DeadLetter]) -> None:
        """Store blocks and letters, waiting while Postgres is away, and show in Redis what that came to.

        Raises:
            Stopping: asked to stop while waiting; what was not stored is read again.
        """
        pool, view = await self._open()
        began = time.perf_counter()
        changes = []
        if blocks:
            stored = await self._until_available(lambda: self._store_blocks(pool, blocks))
            changes.append(Changes(stored.totals, stored.batches, stored.dead_letters))
            rows = {"rows": stored.inserted, "duplicates": stored.duplicates, "expired": stored.expired}
            log.debug("blocks_stored", **rows, blocks=len(blocks), refused=stored.refused, ms=_ms_since(began))
            self._state.records += sum(map(len, blocks))
        if letters:
            dead = await self._until_available(lambda: store_dead_letters(pool, letters))
            changes.append(Changes(dead_letters=dead.totals))
            log.debug("dead_letters_stored", rows=dead.inserted, ms=_ms_since(began))
        for change in changes:
            await view.show(change)

    async def _store_blocks(self, pool: Pool, blocks: Sequence[Block]) -> Any:
        return await store_blocks(
            pool, blocks, topic=self._ingest, retention_days=self._settings.retention_days, now_s=time.time()
        )

    async def maintenance(self, stop: Callable[[], bool]) -> None:
        """Until `stop()`: drop partitions that are too old, hourly, and fill the recent view where it has gaps."""
        pool, view = await self._open()
        next_s = 0.0
        while not stop():
            try:
                if time.monotonic() >= next_s:
                    await drop_expired_partitions(pool, self._settings.retention_days, time.time())
                    next_s = time.monotonic() + _EXPIRE_EVERY_S
                self.ready = True
                await view.tend()
            except PostgresUnavailable as exc:
                log.debug("house_waits", error=str(exc))
            await asyncio.sleep(_TEND_EVERY_S)

    async def _open(self) -> tuple[Pool, RecentView]:
        async with self._opening:
            if self._opened is None:
                pool = await open_pool(self._settings, size=IN_FLIGHT + 2)
                self._opened = pool, RecentView(self._redis, pool, self._settings.namespace)
            return self._opened

    async def _until_available(self, call: Callable[[], Awaitable[T]]) -> T:
        return await retry_until_available(call, what="Postgres", stop=self.stop, state=self._state)

    async def close(self, *_: Any, **__: Any) -> None:
        """Disconnect."""
        if self._opened is not None:
            self._opened[0].terminate()
        await self._redis.aclose()


def _ms_since(began_s: float) -> float:
    return round(1000 * (time.perf_counter() - began_s), 2)
