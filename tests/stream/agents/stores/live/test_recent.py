"""The recent view in Redis follows the database, may be lost at any time, and comes back."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from relearn.agents.stores.dead_letters import store_dead_letters
from relearn.agents.stores.live.layout import KEPT_BATCHES, Changes, Keys, read_recent
from relearn.agents.stores.live.recent import RecentView
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.predictions.insert import Stored
from relearn.agents.stores.predictions.totals import BatchTotal, PartitionTotal
from relearn.agents.stores.redis import Redis, open_redis
from relearn.schemas.settings import Settings
from tests.stream.agents.stores.test_dead_letters import letter
from tests.support.data.blocks import NOON_S, block_of
from tests.support.data.stored import store, tables
from tests.support.servers.embedded import Servers
from tests.support.servers.namespaces import as_owner


@asynccontextmanager
async def view_of(settings: Settings) -> AsyncIterator[tuple[Pool, Redis, RecentView]]:
    redis = open_redis(settings)
    try:
        async with tables(settings) as pool:
            yield pool, redis, RecentView(redis, pool, settings.namespace)
    finally:
        await redis.aclose()


def changes(stored: Stored) -> Changes:
    return Changes(stored.totals, stored.batches, stored.dead_letters)


async def test_a_first_view_is_filled_from_postgres(settings: Settings) -> None:
    """Totals, batches, dead letters: whatever was stored before this worker started."""
    async with view_of(settings) as (pool, redis, view):
        await store(pool, block_of(4, batches=["a"] * 4), block_of(3, partition=1))
        await store_dead_letters(pool, [letter(4, 1, 2)])
        assert await view.tend()
        shown = await read_recent(redis, settings.namespace)
        assert shown.totals == [PartitionTotal(0, 0, 4, 0), PartitionTotal(0, 1, 3, 0)]
        assert shown.batches == [BatchTotal("a", 4, NOON_S, NOON_S + 0.003)]
        assert (shown.records, shown.dead_letters) == (7, {"ingest": 2})
        assert not await view.tend(), "once filled it is left alone"


async def test_what_was_stored_is_shown(settings: Settings) -> None:
    """Absolute numbers; the latest batch first."""
    async with view_of(settings) as (pool, redis, view):
        await view.tend()
        for n, batch in enumerate("abc"):
            stored = await store(pool, block_of(2, first_offset=2 * n, batches=[batch] * 2))
            assert await view.show(changes(stored))
        shown = await read_recent(redis, settings.namespace)
        assert [(batch.batch, batch.records) for batch in shown.batches] == [("c", 2), ("b", 2), ("a", 2)]
        assert shown.records == 6


async def test_the_order_of_two_writers_does_not_matter(settings: Settings) -> None:
    """The one that committed first may write last."""
    async with view_of(settings) as (pool, redis, view):
        await view.tend()
        first = await store(pool, block_of(2, batches=["a"] * 2))
        second = await store(pool, block_of(2, first_offset=2, batches=["a"] * 2))
        await view.show(changes(second))
        await view.show(changes(first))
        shown = await read_recent(redis, settings.namespace)
        assert (shown.records, shown.batches[0].records) == (4, 4)


async def test_a_flushed_redis_is_filled_again(settings: Settings) -> None:
    """The first look after it notices."""
    async with view_of(settings) as (pool, redis, view):
        await store(pool, block_of(4, batches=["a"] * 4))
        await view.tend()
        before = await read_recent(redis, settings.namespace)
        await redis.delete(*Keys(settings.namespace).all())
        assert await view.tend()
        assert await read_recent(redis, settings.namespace) == before


async def test_with_redis_away_nothing_is_shown_and_nothing_raises(settings: Settings, servers: Servers) -> None:
    """What was stored meanwhile is there when it has come back, though it came back empty."""
    async with view_of(settings) as (pool, redis, view):
        await view.tend()
        with servers.valkey.away():
            assert not await view.show(changes(await store(pool, block_of(4))))
            assert not await view.tend()
            assert not view.available
        assert await view.tend()
        assert (await read_recent(redis, settings.namespace)).records == 4


async def test_a_frozen_redis_is_given_up_after_a_moment(settings: Settings, servers: Servers) -> None:
    """It takes connections and never answers: one write waits for the short timeout, those after it not at all."""
    async with view_of(settings) as (pool, redis, view):
        await view.tend()
        stored = await store(pool, block_of(4))
        assert servers.valkey.pid is not None
        os.kill(servers.valkey.pid, signal.SIGSTOP)
        try:
            assert not await view.show(changes(stored))
            assert not view.available
        finally:
            os.kill(servers.valkey.pid, signal.SIGCONT)
        assert await view.tend()
        assert (await read_recent(redis, settings.namespace)).records == 4


async def test_what_another_database_left_is_removed(settings: Settings) -> None:
    """The tables were made again under the same name: numbers start at zero."""
    async with view_of(settings) as (pool, redis, view):
        await store(pool, block_of(4, batches=["a"] * 4))
        await view.tend()
        await as_owner(settings, f'DROP SCHEMA "{settings.namespace}" CASCADE')
    async with view_of(settings) as (pool, redis, view):
        assert await view.tend()
        shown = await read_recent(redis, settings.namespace)
        assert (shown.records, shown.batches) == (0, [])


async def test_only_the_latest_batches_are_kept(settings: Settings) -> None:
    """A thousand of them."""
    async with view_of(settings) as (_, redis, view):
        await view.tend()
        for first in (0, KEPT_BATCHES // 2):
            batches = [BatchTotal(f"b{n}", 1, n, n) for n in range(first, first + KEPT_BATCHES)]
            await view.show(Changes(batches=batches))
        await view.tend()
        shown = await read_recent(redis, settings.namespace, batches=2 * KEPT_BATCHES)
        assert len(shown.batches) == KEPT_BATCHES
        assert shown.batches[-1].batch == f"b{KEPT_BATCHES // 2}"
        assert await redis.zcard(Keys(settings.namespace).batch_records) == KEPT_BATCHES
