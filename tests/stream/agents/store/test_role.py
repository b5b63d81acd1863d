"""The store worker as a process of its own: blocks and dead letters from Kafka to Postgres and Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from confluent_kafka import Consumer, TopicPartition

from relearn.agents.kafka.config import librdkafka_config
from relearn.agents.kafka.producer import KafkaProducer
from relearn.agents.kafka.topics import create_topics
from relearn.agents.stores.dead_letters import list_dead_letters, original_of
from relearn.agents.stores.live.heartbeats import read_workers
from relearn.agents.stores.live.layout import read_recent
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.redis import open_redis
from relearn.schemas.errors import Unavailable
from relearn.schemas.messages.dead_letters import dead_letter_headers
from relearn.schemas.messages.predictions import Block, encode_block
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from tests.stream.agents.stores.test_dead_letters import letter
from tests.support.data import blocks as test_blocks
from tests.support.data.stored import counted, tables, totals
from tests.support.processes.workers import WorkerProcess, workers
from tests.support.servers.embedded import Servers

DEADLINE_S = 60.0
#: The worker goes by the real clock: what was ingested long ago it would skip.
TODAY_S = float(int(time.time()))


@pytest.fixture
def partitions() -> int:
    """As many as `relearn migrate` makes."""
    return 8


def block_of(n: int, *, first_offset: int = 0, **given: Any) -> Block:
    times = TODAY_S + (first_offset + np.arange(n)) / 1e6
    return test_blocks.block_of(n, first_offset=first_offset, ingested_at=times, **given)


@asynccontextmanager
async def namespace(settings: Settings) -> AsyncIterator[tuple[Pool, KafkaProducer]]:
    """Tables, topics, and something to send with."""
    async with tables(settings) as pool:
        await create_topics(settings)
        producer = KafkaProducer(settings, "test")
        try:
            yield pool, producer
        finally:
            await producer.close()


@asynccontextmanager
async def worker(settings: Settings) -> AsyncIterator[WorkerProcess]:
    """`relearn worker store`, killed at the end if it lives still."""
    with workers(settings, store=1) as running:
        yield running["store-1"]


async def eventually(look: Callable[[], Awaitable[Any]], wanted: Any) -> None:
    """Look until it is `wanted`; a server that is away counts as not yet."""
    found: Any = None
    try:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                try:
                    found = await look()
                except Unavailable as exc:
                    found = exc
                if found == wanted:
                    return
                await asyncio.sleep(0.05)
    except TimeoutError:
        assert found == wanted


async def send(producer: KafkaProducer, settings: Settings, *blocks: Block) -> None:
    topic = topic_name(settings.namespace, "predictions")
    receipts = [await producer.send(topic, encode_block(block), partition=block.partition) for block in blocks]
    await asyncio.gather(*receipts)


def committed(settings: Settings, partitions: int) -> int:
    """Messages of `predictions` that the group counts as processed."""
    consumer = Consumer({**librdkafka_config(settings), "group.id": f"{settings.namespace}.store"})
    topic = topic_name(settings.namespace, "predictions")
    try:
        found = consumer.committed([TopicPartition(topic, p) for p in range(partitions)], timeout=10)
    finally:
        consumer.close()
    return sum(max(0, place.offset) for place in found)


async def test_blocks_come_to_rest_and_their_offsets_are_committed(settings: Settings) -> None:
    """Rows, totals, the recent view, the heartbeat; SIGTERM leaves nothing uncommitted."""
    redis = open_redis(settings)
    async with namespace(settings) as (pool, producer), worker(settings) as process:
        blocks = [block_of(20, first_offset=20 * n, partition=n % 3, batches=["b"] * 20) for n in range(9)]
        await send(producer, settings, *blocks)
        await eventually(lambda: counted(pool), {(0, 0): 60, (0, 1): 60, (0, 2): 60})
        assert await totals(pool) == {(0, 0): (60, 0), (0, 1): (60, 0), (0, 2): (60, 0)}

        async def shown() -> tuple[int, list[tuple[str, int]]]:
            recent = await read_recent(redis, settings.namespace)
            return recent.records, [(batch.batch, batch.records) for batch in recent.batches]

        await eventually(shown, (180, [("b", 180)]))

        async def heartbeat() -> list[tuple[str, str, int, int | None, str]]:
            beats = await read_workers(redis, settings.namespace)
            return [(w["id"], w["role"], len(w["partitions"]), w["lag"], w["condition"]) for w in beats]

        await eventually(heartbeat, [("store-1", "store", 2 * settings.partitions, 0, "ready")])
        assert await asyncio.to_thread(process.terminate) == 0
        assert committed(settings, settings.partitions) == len(blocks)
    await redis.aclose()


async def test_dead_letters_come_to_rest(settings: Settings) -> None:
    """A row for each record of each letter."""
    async with namespace(settings) as (pool, producer), worker(settings):
        topic = topic_name(settings.namespace, "dead-letters")
        for whole in (letter(1), letter(2, 5, 6)):
            one = replace(whole, topic=topic_name(settings.namespace, "ingest"))
            await (await producer.send(topic, one.value, key=one.key, headers=dead_letter_headers(one, "/test")))

        async def found() -> list[tuple[int, int]]:
            return [(row.offset, row.index) for row in await list_dead_letters(pool)]

        await eventually(found, [(2, 6), (2, 5), (1, 0)])


async def test_what_cannot_be_read_becomes_a_dead_letter_of_itself(settings: Settings) -> None:
    """In both topics; the good neighbours are stored, and the worker lives on."""
    async with namespace(settings) as (pool, producer), worker(settings) as process:
        predictions, letters = (topic_name(settings.namespace, name) for name in ("predictions", "dead-letters"))
        far = block_of(2, generation=2**40)
        for topic, value in ((predictions, b"\xff\0"), (predictions, encode_block(far)), (letters, b"no headers")):
            await (await producer.send(topic, value, partition=0))
        await send(producer, settings, block_of(5))

        async def found() -> set[tuple[str, int, str]]:
            return {(row.topic, row.offset, row.agent) for row in await list_dead_letters(pool)}

        await eventually(found, {(predictions, 0, "store"), (predictions, 1, "store"), (letters, 0, "store")})
        await eventually(lambda: counted(pool), {(0, 0): 5})
        for row in await list_dead_letters(pool):
            original = await original_of(pool, row)
            assert original is not None
            if (row.topic, row.offset) == (predictions, 0):
                assert original.value == b"\xff\0"
        assert process.running


async def test_postgres_away_holds_the_offsets_and_then_catches_up(settings: Settings, servers: Servers) -> None:
    """The worker stays up and reports what it waits for."""
    redis = open_redis(settings)
    async with namespace(settings) as (pool, producer), worker(settings) as process:
        await send(producer, settings, block_of(5))
        await eventually(lambda: counted(pool), {(0, 0): 5})
        with servers.postgres.away():
            await send(producer, settings, *(block_of(5, first_offset=5 * n) for n in range(1, 20)))

            async def condition() -> list[str]:
                return [beat["condition"] for beat in await read_workers(redis, settings.namespace)]

            await eventually(condition, ["waiting for Postgres"])
        await eventually(lambda: counted(pool), {(0, 0): 100})
        assert await totals(pool) == {(0, 0): (100, 0)}
        await eventually(condition, ["ready"])
        assert process.running
    await redis.aclose()


async def test_redis_away_holds_up_nothing_and_is_filled_again(settings: Settings, servers: Servers) -> None:
    """Storing goes on; the view comes back complete."""
    redis = open_redis(settings)
    async with namespace(settings) as (pool, producer), worker(settings):
        with servers.valkey.away():
            await send(producer, settings, *(block_of(5, first_offset=5 * n) for n in range(20)))
            await eventually(lambda: counted(pool), {(0, 0): 100})

        async def shown() -> int:
            return (await read_recent(redis, settings.namespace)).records

        await eventually(shown, 100)
    await redis.aclose()


async def test_a_killed_worker_stores_nothing_twice(settings: Settings) -> None:
    """kill -9 during a backlog, and again: every record once, every offset committed at the end."""
    redis = open_redis(settings)
    async with namespace(settings) as (pool, producer):
        blocks = [block_of(500, first_offset=500 * n, partition=n % 4, d=30) for n in range(240)]
        await send(producer, settings, *blocks)
        for least in (1, 40_000):
            async with worker(settings) as process:

                async def begun(least: int = least) -> bool:
                    return sum((await counted(pool)).values()) >= least

                await eventually(begun, True)
                process.kill()
        async with worker(settings) as process:
            await eventually(lambda: counted(pool), dict.fromkeys([(0, n) for n in range(4)], 30_000))
            assert await totals(pool) == dict.fromkeys([(0, n) for n in range(4)], (30_000, 0))

            async def lag() -> list[int | None]:
                return [beat["lag"] for beat in await read_workers(redis, settings.namespace)]

            await eventually(lag, [0])
            assert await asyncio.to_thread(process.terminate) == 0
        assert committed(settings, settings.partitions) == len(blocks)
    await redis.aclose()
