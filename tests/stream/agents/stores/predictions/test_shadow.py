"""Storing what shadows say: apart from the predictions, once each, compared with the prediction that stands."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from relearn.agents.stores.predictions.shadow import shadow_copy_bytes
from relearn.schemas.errors import PostgresUnavailable
from relearn.schemas.messages.shadow_answers import NO_ANSWER
from relearn.schemas.settings import Settings
from tests.support.data.blocks import NOON_S, block_of, shadow_of
from tests.support.data.stored import counted, disagreeing, labels, offsets, rows, shadow_rows, store, tables, totals
from tests.support.servers.namespaces import as_owner

DAY_S = 86_400
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def test_what_a_shadow_says_is_stored_as_it_said_it(settings: Settings) -> None:
    """Margins bit for bit, at the record's own place; and the predictions are as they would be without it."""
    shadow = shadow_of(4, k=3, classes=("é", "x" * 256, "2"), labels=labels(0, 1, 2, 1), model=7)
    shadow.margins[1] = [5e-324, -0.0, 1.7e308]
    async with tables(settings) as pool:
        await store(pool, block_of(4, first_offset=8, generation=3, partition=2, shadow=shadow))
        with_shadow, found = await rows(pool), await shadow_rows(pool)
        await as_owner(settings, "TRUNCATE predictions")
        await store(pool, block_of(4, first_offset=8, generation=3, partition=2))
        assert await rows(pool) == with_shadow
    for i, row in enumerate(found):
        assert np.array(row.pop("margins")).tobytes() == shadow.margins[i].tobytes()
        assert row == {
            "model": 7,
            "generation": 3,
            "kafka_partition": 2,
            "kafka_offset": 8 + i,
            "record_index": 0,
            "ingested_at": EPOCH + timedelta(microseconds=round((NOON_S + (8 + i) / 1000) * 1e6)),
            "label": shadow.classes[shadow.labels[i]],
            "disagrees": shadow.classes[shadow.labels[i]] != block_of(4).classes[block_of(4).labels[i]],
        }


async def test_labels_are_compared_by_name_and_not_by_their_place_in_the_classes(settings: Settings) -> None:
    """A shadow may know other classes, in another order."""
    shadow = shadow_of(4, k=3, classes=("c", "b", "a"), labels=labels(2, 1, 1, 0))
    block = block_of(4, classes=("a", "b"), labels=labels(0, 1, 0, 1), shadow=shadow)
    async with tables(settings) as pool:
        await store(pool, block)
        assert await disagreeing(pool) == [False, False, True, True]
        await store(pool, block_of(4, partition=1, classes=("a", "b"), labels=labels(0, 1, 0, 1), shadow=shadow))
        assert await disagreeing(pool) == [False, False, True, True] * 2


async def test_blocks_with_a_shadow_and_without_go_in_one_call(settings: Settings) -> None:
    """Of several shadows and shapes; each record that one was scored for has a row."""
    given_blocks = [
        block_of(3, shadow=shadow_of(3, model=2)),
        block_of(4, partition=1, d=7, k=3),
        block_of(5, partition=2, k=3, shadow=shadow_of(5, k=4, model=3)),
    ]
    async with tables(settings) as pool:
        for _ in range(2):
            await store(pool, *given_blocks)
            assert await counted(pool) == {(0, 0): 3, (0, 1): 4, (0, 2): 5}
            found = [(row["kafka_partition"], row["model"], len(row["margins"])) for row in await shadow_rows(pool)]
            assert found == [(0, 2, 1)] * 3 + [(2, 3, 4)] * 5


async def test_the_same_blocks_again_change_nothing(settings: Settings) -> None:
    """Whole, in part, twice in one call, in another order."""
    blocks = [
        block_of(20, shadow=shadow_of(20)),
        block_of(7, partition=3, shadow=shadow_of(7, labels=labels(*[0] * 7))),
    ]
    async with tables(settings) as pool:
        await store(pool, *blocks)
        before = await rows(pool), await shadow_rows(pool), await totals(pool)
        for again in (blocks, blocks[1:], [*blocks, *blocks[::-1]]):
            await store(pool, *again)
            assert (await rows(pool), await shadow_rows(pool), await totals(pool)) == before
        assert len(before[1]) == 27


async def test_an_overlap_adds_only_what_is_new(settings: Settings) -> None:
    async with tables(settings) as pool:
        await store(pool, block_of(10, shadow=shadow_of(10)))
        first = await shadow_rows(pool)
        await store(pool, block_of(10, first_offset=6, shadow=shadow_of(10, seed=9)))
        found = await shadow_rows(pool)
        assert found[:10] == first
        assert offsets(found) == list(range(16))


async def test_a_record_without_an_answer_of_the_shadow_has_no_row_of_it(settings: Settings) -> None:
    """Straight, carefully, and where it has none at all."""
    some = block_of(4, shadow=shadow_of(4, labels=labels(NO_ANSWER, 1, NO_ANSWER, 0)))
    none = block_of(2, partition=1, shadow=shadow_of(2, labels=labels(NO_ANSWER, NO_ANSWER)))
    async with tables(settings) as pool:
        for _ in range(3):
            await store(pool, some, none)
            assert offsets(await shadow_rows(pool)) == [1, 3]
            assert await counted(pool) == {(0, 0): 4, (0, 1): 2}
        await store(pool, block_of(2, partition=2, shadow=shadow_of(2, labels=labels(1, NO_ANSWER))))
        assert offsets(await shadow_rows(pool)) == [1, 3, 0]


def test_blocks_without_a_shadow_have_no_bytes() -> None:
    """Only the header and the trailer."""
    assert shadow_copy_bytes([block_of(3)]) == shadow_copy_bytes([])


async def test_expired_rows_have_no_shadow_rows(settings: Settings) -> None:
    """Their neighbours do, each its own answer."""
    times = np.array([NOON_S - 31 * DAY_S, NOON_S - 30 * DAY_S, NOON_S])
    shadow = shadow_of(3, k=3, labels=labels(0, 1, 2))
    async with tables(settings) as pool:
        await store(pool, block_of(3, k=3, ingested_at=times, shadow=shadow, appended_s=NOON_S))
        assert [(row["kafka_offset"], row["label"]) for row in await shadow_rows(pool)] == [(1, "1"), (2, "2")]


async def test_a_refused_record_has_no_shadow_row_and_its_neighbours_do(settings: Settings) -> None:
    """However the block was halved to find it."""
    shadow = shadow_of(7, k=3, labels=labels(0, 1, 2, 0, 1, 2, 0))
    block = block_of(7, k=3, subjects=["fine", None, "a\0b", "fine", None, "\0", "fine"], shadow=shadow)
    async with tables(settings) as pool:
        for _ in range(2):
            stored = await store(pool, block)
            assert stored.refused == 2
            found = [(row["kafka_offset"], row["label"]) for row in await shadow_rows(pool)]
            assert found == [(0, "0"), (1, "1"), (3, "0"), (4, "1"), (6, "0")]


async def test_two_writers_of_overlapping_blocks_store_each_answer_once(settings: Settings) -> None:
    """Each from its own connection, at the same time, many times over."""

    async def write(order: range) -> None:
        for first in order:
            while True:
                try:
                    await store(pool, block_of(200, first_offset=100 * first, shadow=shadow_of(200)))
                except PostgresUnavailable:  # a deadlock, of which Postgres ended one side
                    continue
                break

    async with tables(settings) as pool:
        await asyncio.gather(write(range(10)), write(range(9, -1, -1)))
        assert offsets(await shadow_rows(pool)) == list(range(1100))
        wrong = (
            "SELECT count(*) FROM shadow_predictions s JOIN predictions p USING"
            " (generation, kafka_partition, kafka_offset, record_index, ingested_at)"
            " WHERE s.disagrees <> (s.label <> p.label)"
        )
        assert await pool.fetchval(wrong) == 0


@pytest.mark.parametrize("seed", range(3))
async def test_whichever_way_a_block_is_stored_the_rows_are_the_same(settings: Settings, seed: int) -> None:
    """Straight, or by the stage because one record of it is there already."""
    block = block_of(50, k=3, seed=seed, shadow=shadow_of(50, k=3, seed=seed + 9))
    async with tables(settings) as pool:
        await store(pool, block_of(1, first_offset=999, shadow=shadow_of(1)))
        await as_owner(settings, "TRUNCATE predictions, shadow_predictions")
        await store(pool, block)
        straight = await shadow_rows(pool)
        await as_owner(settings, "TRUNCATE shadow_predictions")
        await pool.execute("DELETE FROM predictions WHERE kafka_offset > 0")
        await store(pool, block)
        assert await shadow_rows(pool) == straight
