"""The daily partitions of shadows' answers: made with the first answer, dropped with those of the predictions."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import numpy as np

from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.predictions.partitions import day_of, drop_expired_partitions, make_partitions
from relearn.schemas.settings import Settings
from tests.support.data.blocks import NOON_S, block_of, shadow_of
from tests.support.data.stored import shadow_rows, store, tables

DAY_S = 86_400


async def partitions(pool: Pool) -> list[str]:
    """Every daily partition there is."""
    found = await pool.fetch(
        "SELECT i.inhrelid::regclass::text AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent"
        " WHERE c.relkind = 'p' AND c.relnamespace = current_schema()::regnamespace ORDER BY 1"
    )
    return [row["name"] for row in found]


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


async def test_shadow_partitions_that_are_too_old_are_dropped(settings: Settings) -> None:
    """With those of the predictions, on the same day, even where the day has the one only."""
    old, kept = day_of(NOON_S - 31 * DAY_S), day_of(NOON_S - 30 * DAY_S)
    async with tables(settings) as pool:
        async with pool.acquire() as connection:
            await make_partitions(connection, "predictions", [old, kept])
            await make_partitions(connection, "shadow_predictions", [old, kept, old - timedelta(days=1)])
        dropped = await drop_expired_partitions(pool, 30, NOON_S)
        assert dropped == ["predictions_20260821", "shadow_predictions_20260820", "shadow_predictions_20260821"]
        assert await partitions(pool) == ["predictions_20260822", "shadow_predictions_20260822"]
        assert await drop_expired_partitions(pool, 30, NOON_S) == []


async def test_a_shadow_partition_in_use_is_dropped_another_time(settings: Settings) -> None:
    """It holds up neither the worker nor the partition of the predictions."""
    old = day_of(NOON_S - 31 * DAY_S)
    async with tables(settings) as pool:
        async with pool.acquire() as connection:
            await make_partitions(connection, "predictions", [old])
            await make_partitions(connection, "shadow_predictions", [old])
            async with connection.transaction():
                await connection.fetch("SELECT * FROM shadow_predictions_20260821")
                assert await drop_expired_partitions(pool, 30, NOON_S) == ["predictions_20260821"]
        assert await drop_expired_partitions(pool, 30, NOON_S) == ["shadow_predictions_20260821"]
