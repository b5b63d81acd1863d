"""Pages of predictions: every filter selects its rows once each, and reads at most the allowed number of rows."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np
import pytest

from relearn.agents.stores.feedback.corrections import store_feedback
from relearn.agents.stores.postgres import Pool, read_snapshot
from relearn.api.queries.predictions import At, Filters, at_of, read_one, read_page
from relearn.schemas.identity import Place
from relearn.schemas.settings import Settings
from tests.support.data.blocks import NOON_S, block_of
from tests.support.data.feedbacks import feedback, statement
from tests.support.data.stored import store, tables

DAY_S = 86_400.0
BATCHES = ("a", "b", None)


async def fill(pool: Pool) -> None:
    """120 records over three days, two partitions and two generations, many of them in one millisecond; 40 reviewed."""
    for n, (generation, partition, day) in enumerate(
        [(0, 0, -1), (0, 1, -1), (0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 1)]
    ):
        await store(
            pool,
            block_of(
                20,
                seed=n,
                generation=generation,
                partition=partition,
                offsets=np.repeat(np.arange(4), 5) + 100 * n,
                indexes=np.tile(np.arange(5, dtype=np.int32), 4),
                ingested_at=NOON_S + day * DAY_S + np.repeat([0.0, 0.0, 0.001, 5.0], 5),
                batches=[BATCHES[(n + i) % 3] for i in range(20)],
                model=1 + n % 2,
            ),
        )
    ids = count()
    for number, row in enumerate(await every(pool)):
        if number % 3 == 0:
            await say(pool, next(ids), at_of(row).place, "0", "ann")
        if number % 6 == 0:
            await say(pool, next(ids), at_of(row).place, "1", "bob")
        if number % 12 == 0:
            await say(pool, next(ids), at_of(row).place, None, "ann")
            await say(pool, next(ids), at_of(row).place, None, "bob")


async def say(pool: Pool, number: int, place: Place, label: str | None, reviewer: str) -> None:
    said = feedback(f"f{number}", label, prediction=str(place), reviewer=reviewer)
    assert (await store_feedback(pool, [statement(said, number)])).rows == 1


async def every(pool: Pool) -> list[Any]:
    """All rows, newest first."""
    return sorted(await pool.fetch("SELECT * FROM predictions"), key=at_of, reverse=True)


async def matching(pool: Pool, filters: Filters) -> list[At]:
    """The positions that the filters select, by a plain query."""
    last = await pool.fetch(
        "SELECT DISTINCT ON (generation, kafka_partition, kafka_offset, record_index, reviewer) * FROM corrections"
        " ORDER BY generation, kafka_partition, kafka_offset, record_index, reviewer, sent_at DESC"
    )
    reviewed = {at_of(row).place for row in last if row["label"] is not None}
    return [
        at_of(row)
        for row in await every(pool)
        if filters.batch in {None, row["batch"]}
        and filters.model in {None, row["model"]}
        and filters.label in {None, row["label"]}
        and filters.reviewed in {None, at_of(row).place in reviewed}
    ]


async def walked(pool: Pool, filters: Filters, *, limit: int, looked: int) -> list[list[At]]:
    """The pages, to the end."""
    pages, after = [], None
    while not pages or after is not None:
        async with read_snapshot(pool, index_only=True) as connection:
            rows, after = await read_page(connection, filters, after, limit, looked=looked)
        pages.append([at_of(row) for row in rows])
    return pages


async def test_pages_come_to_what_the_filters_name(settings: Settings) -> None:
    """Every combination of filters, with pages of 1 to more than all rows, reading few rows or many for each."""
    async with tables(settings) as pool:
        await fill(pool)
        for filters in [
            Filters(batch, model, label, reviewed)
            for batch in (None, "a")
            for model in (None, 2)
            for label in (None, "1")
            for reviewed in (None, True, False)
        ]:
            expected = await matching(pool, filters)
            for limit, looked in ((7, 1000), (1000, 1000), (7, 9), (200, 13)):
                pages = await walked(pool, filters, limit=limit, looked=looked)
                assert [at for page in pages for at in page] == expected, (filters, limit, looked)
                assert all(len(page) <= limit for page in pages)
        assert len(await matching(pool, Filters(reviewed=True))) == 30
        assert await walked(pool, Filters(batch="nobody's"), limit=7, looked=1000) == [[]]


async def test_a_page_looks_at_no_more_rows_than_it_may(settings: Settings) -> None:
    """Where nothing matches, and on a day whose statistics are outdated."""
    async with tables(settings, size=1) as pool:
        await store(pool, block_of(3, batches=["a"] * 3))
        await pool.execute("VACUUM ANALYZE predictions")
        for filters in (Filters(label="9"), Filters(batch="a", label="9"), Filters(reviewed=False, label="9")):
            await walked(pool, filters, limit=5, looked=50)
        await store(pool, block_of(3000, first_offset=3, batches=["a"] * 3000))
        for filters in (Filters(label="9"), Filters(batch="a", label="9"), Filters(reviewed=False, label="9")):
            before = await rows_read(pool, settings)
            async with read_snapshot(pool, index_only=True) as connection:
                rows, after = await read_page(connection, filters, None, 5, looked=50)
            assert (len(rows), after is not None) == (0, True)
            assert await rows_read(pool, settings) - before <= 150, filters


async def test_one_is_found_by_its_place_on_whatever_day(settings: Settings) -> None:
    async with tables(settings) as pool:
        await fill(pool)
        async with read_snapshot(pool, index_only=True) as connection:
            for row in await every(pool):
                found = await read_one(connection, at_of(row).place)
                assert found is not None and at_of(found) == at_of(row)
            assert await read_one(connection, Place(2, 0, 0, 0)) is None
            assert await read_one(connection, Place(2**31 - 1, 2**31 - 1, 2**63 - 1, 2**31 - 1)) is None


@pytest.mark.parametrize("day", [-200_000.0, 2_000_000.0])
async def test_times_far_away_are_times_too(settings: Settings, day: float) -> None:
    async with tables(settings) as pool:
        await store(pool, block_of(5, ingested_at=np.full(5, NOON_S + day * DAY_S)), retention_days=400_000)
        pages = await walked(pool, Filters(), limit=2, looked=1000)
        assert [len(page) for page in pages] == [2, 2, 1]


async def rows_read(pool: Pool, settings: Settings) -> int:
    """Rows of predictions read so far, with or without an index, on one connection."""
    await pool.execute("SELECT pg_stat_force_next_flush()")
    return int(
        await pool.fetchval(
            "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables"
            " WHERE schemaname = $1 AND relname LIKE 'predictions%'",
            settings.namespace,
        )
    )
