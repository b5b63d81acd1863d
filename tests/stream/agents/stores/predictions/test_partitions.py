"""The daily partitions of shadows' answers: made with the first answer."""

from __future__ import annotations

import asyncio

import numpy as np

from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.predictions.partitions import TABLES, read_partitions
from relearn.schemas.settings import Settings
from tests.support.data.blocks import NOON_S, block_of, shadow_of
from tests.support.data.stored import shadow_rows, store, tables

DAY_S = 86_400


async def partitions(pool: Pool) -> list[str]:
    """Every daily partition there is."""
    async with pool.acquire() as connection:
        return [one.name for table in TABLES for one in await read_partitions(connection, table)]


async def test_a_day_gets_a_shadow_partition_when_a_shadow_first_speaks_on_it(settings: Settings) -> None:
    """Not before, though the day has its predictions; and the call that makes it loses nothing."""
    tomorrow = block_of(2, first_offset=2, ingested_at=np.full(2, NOON_S + DAY_S))
    async with tables(settings) as pool:
        await store(pool, block_of(2), tomorrow)
        assert await partitions(pool) == ["predictions_20260921", "predictions_20260922"]
        blocks = [block_of(2, first_offset=first, shadow=shadow_of(2)) for first in (4, 6)]
        stored = await asyncio.gather(*(store(pool, block) for block in blocks))
        assert [one.inserted for one in stored] == [2, 2]
        assert await partitions(pool) == ["predictions_20260921", "predictions_20260922", "shadow_predictions_20260921"]
        names = await pool.fetch("SELECT DISTINCT tableoid::regclass::text AS name FROM shadow_predictions")
        assert [row["name"] for row in names] == ["shadow_predictions_20260921"]
        assert len(await shadow_rows(pool)) == 4
