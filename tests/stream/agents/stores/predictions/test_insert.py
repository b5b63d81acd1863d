"""Storing blocks: each record once, totals that agree, bad rows cut out, a database that may be away."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from relearn.agents.availability.retry import Retry
from relearn.agents.stores.predictions.totals import BatchTotal, PartitionTotal
from relearn.agents.worker.state import WorkerState
from relearn.schemas.errors import PostgresUnavailable
from relearn.schemas.settings import Settings
from tests.support.data.blocks import NOON_S, block_of
from tests.support.data.messages import decode_chunk
from tests.support.data.stored import TOPIC, counted, offsets, rows, store, tables, totals
from tests.support.servers.embedded import Servers

DAY_S = 86_400


async def test_blocks_of_different_shapes_go_in_one_call(settings: Settings) -> None:
    """Other features, other classes, other partitions, and the inserted numbers are returned."""
    given = [block_of(5), block_of(4, partition=1, d=7, k=3), block_of(3, generation=2, partition=1)]
    async with tables(settings) as pool:
        stored = await store(pool, *given)
        assert (stored.inserted, stored.duplicates) == (12, 0)
        assert list(stored.totals) == [
            PartitionTotal(0, 0, 5, 0),
            PartitionTotal(0, 1, 4, 0),
            PartitionTotal(2, 1, 3, 0),
        ]
        assert [len(row["features"]) for row in await rows(pool)] == [3] * 5 + [7] * 4 + [3] * 3


async def test_the_same_blocks_again_change_nothing(settings: Settings) -> None:
    """Not the rows, not the totals, not the batches."""
    given = [block_of(50, batches=["b"] * 50), block_of(7, partition=3)]
    async with tables(settings) as pool:
        first = await store(pool, *given)
        before = await rows(pool)
        again = await store(pool, *given)
        assert await rows(pool) == before
        assert (first.inserted, again.inserted, again.duplicates) == (57, 0, 57)
        assert await counted(pool) == {(0, 0): 50, (0, 3): 7}
        assert await totals(pool) == {(0, 0): (50, 0), (0, 3): (7, 0)}


async def test_an_overlap_adds_only_what_is_new(settings: Settings) -> None:
    """And returns them per partition and batch, in absolute numbers."""
    async with tables(settings) as pool:
        await store(pool, block_of(10, batches=["b"] * 10))
        stored = await store(pool, block_of(10, first_offset=6, batches=["b"] * 10))
        assert (stored.inserted, stored.duplicates) == (6, 4)
        assert list(stored.totals) == [PartitionTotal(0, 0, 16, 0)]
        assert [(batch.batch, batch.records) for batch in stored.batches] == [("b", 16)]
        assert offsets(await rows(pool)) == list(range(16))


async def test_the_first_stored_row_of_an_identity_stands(settings: Settings) -> None:
    """A second reading, scored by another model, changes nothing."""
    async with tables(settings) as pool:
        await store(pool, block_of(5, model=1))
        before = await rows(pool)
        await store(pool, block_of(5, model=2, seed=9))
        assert await rows(pool) == before


async def test_duplicates_within_one_call_are_stored_once(settings: Settings) -> None:
    """The same block twice in a chunk, as after a scorer's restart."""
    async with tables(settings) as pool:
        stored = await store(pool, block_of(8), block_of(8), block_of(8, first_offset=4))
        assert (stored.inserted, stored.duplicates) == (12, 12)
        assert await totals(pool) == {(0, 0): (12, 0)}


async def test_two_writers_of_overlapping_blocks_store_each_record_once(settings: Settings) -> None:
    """Each from its own connection, at the same time, many times over; the totals are what is there."""

    async def write(order: range) -> int:
        inserted = 0
        for first in order:
            while True:
                try:
                    stored = await store(pool, block_of(200, first_offset=100 * first), block_of(100, partition=1))
                except PostgresUnavailable:  # a deadlock, of which Postgres ended one side
                    continue
                inserted += stored.inserted
                break
        return inserted

    async with tables(settings) as pool:
        inserted = await asyncio.gather(write(range(10)), write(range(9, -1, -1)))
        assert sum(inserted) == 1200
        assert await counted(pool) == {(0, 0): 1100, (0, 1): 100}
        assert await totals(pool) == {(0, 0): (1100, 0), (0, 1): (100, 0)}


async def test_batches_keep_their_count_and_their_times(settings: Settings) -> None:
    """Several batches in a block, one batch in several blocks, records without one."""
    async with tables(settings) as pool:
        await store(pool, block_of(4, batches=["a", "b", None, "a"]))
        stored = await store(pool, block_of(2, first_offset=10, batches=["a", "a"]), block_of(1, partition=1))
        assert list(stored.batches) == [BatchTotal("a", 4, NOON_S, NOON_S + 0.011)]
        found = await pool.fetch("SELECT batch, records FROM batches ORDER BY batch")
        assert [tuple(row) for row in found] == [("a", 4), ("b", 1)]


async def test_days_get_their_partitions_when_their_first_row_comes(settings: Settings) -> None:
    """Across midnight, in one call; also where two workers make them at once."""
    given = [block_of(2), block_of(2, first_offset=2, ingested_at=np.full(2, NOON_S + DAY_S))]
    async with tables(settings) as pool:
        await asyncio.gather(store(pool, *given), store(pool, *given))
        names = await pool.fetch("SELECT tableoid::regclass::text AS name FROM predictions GROUP BY 1 ORDER BY 1")
        assert [row["name"] for row in names] == ["predictions_20260921", "predictions_20260922"]
        assert await counted(pool) == {(0, 0): 4}


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
async def test_a_record_that_postgres_refuses_is_cut_out_alone(settings: Settings, text: str) -> None:
    """No codec lets such a text through; should one come all the same, its neighbours are stored."""
    subjects: list[str | None] = ["fine", None, text, "fine", None, text, "fine"]
    async with tables(settings) as pool:
        stored = await store(pool, block_of(7, subjects=subjects), block_of(3, partition=1))
        assert (stored.inserted, stored.refused, stored.duplicates) == (8, 2, 0)
        assert stored.dead_letters == {TOPIC: 2}
        assert offsets(await rows(pool)) == [0, 1, 3, 4, 6, 0, 1, 2]
        assert await totals(pool) == {(0, 0): (5, 0), (0, 1): (3, 0)}
        letters = await pool.fetch("SELECT * FROM dead_letters ORDER BY kafka_offset")
        assert [(row["agent"], row["topic"], row["kafka_offset"], row["record_index"]) for row in letters] == [
            ("store", TOPIC, 2, 0),
            ("store", TOPIC, 5, 0),
        ]


async def test_a_refused_record_is_kept_as_a_message_that_ingest_takes(settings: Settings) -> None:
    """Its features bit for bit, so that it can be sent again."""
    block = block_of(1, subjects=["a\0b"])
    async with tables(settings) as pool:
        await store(pool, block)
        value = await pool.fetchval("SELECT value FROM dead_letters")

    class Message:
        topic, partition, offset, timestamp, key, headers = TOPIC, 0, 0, 0, None, ()

    message = Message()
    message.value = value  # type: ignore[attr-defined]
    records, rejects = decode_chunk([message], ("x", "y", "z"))  # type: ignore[list-item]
    assert not rejects
    assert records.features.tobytes() == block.features.tobytes()


async def test_a_refused_record_read_again_is_one_dead_letter(settings: Settings) -> None:
    """Idempotent by place, as the rows are."""
    block = block_of(3, ids=[None, "\0", None])
    async with tables(settings) as pool:
        await store(pool, block)
        stored = await store(pool, block)
        assert (stored.inserted, stored.duplicates, stored.refused) == (0, 2, 1)
        assert await pool.fetchval("SELECT count(*) FROM dead_letters") == 1
        assert await pool.fetchval("SELECT records FROM dead_letter_totals") == 1


async def test_postgres_away_is_said_and_storing_later_succeeds(settings: Settings, servers: Servers) -> None:
    """With the same pool, as soon as it answers."""
    async with tables(settings) as pool:
        await store(pool, block_of(5))
        with servers.postgres.away(), pytest.raises(PostgresUnavailable):
            await store(pool, block_of(5, first_offset=5))
        retry = Retry(WorkerState("", ""), stop=lambda: False)
        stored = await retry.until_available(lambda: store(pool, block_of(5, first_offset=5)), "Postgres")
        assert list(stored.totals) == [PartitionTotal(0, 0, 10, 0)]
