"""Retention on a real Postgres: which daily partitions are dropped."""

from __future__ import annotations

import time
from datetime import timedelta

from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.predictions.partitions import (
    day_of,
    make_partitions,
    partition_name,
)
from relearn.agents.stores.predictions.retention import drop_expired_partitions
from relearn.schemas.settings import Settings
from tests.support.data.blocks import block_at
from tests.support.data.stored import by_owner, offsets, partition_names, rows, store, tables

DAY_S = 86_400.0
KEPT = 30


async def made_long_ago(pool: Pool) -> None:
    """Every partition there is, by Postgres' clock."""
    await pool.execute("UPDATE daily_partitions SET made_at = made_at - interval '1 year'")


async def test_old_days_are_dropped_and_what_relearn_did_not_make_is_kept(settings: Settings) -> None:
    """Of both tables; a day in use is dropped another time; a table attached by hand is left alone."""
    now_s = time.time()
    old, kept = day_of(now_s) - timedelta(days=KEPT + 1), day_of(now_s) - timedelta(days=KEPT)
    async with tables(settings) as pool:
        gone, there = (
            block_at(at_s, first_offset=9, batches=[f"{at_s}"]) for at_s in (now_s - 32 * DAY_S, now_s - DAY_S)
        )
        await store(pool, gone, there, block_at(now_s, first_offset=10), now_s=now_s)
        async with pool.acquire() as connection:
            await make_partitions(connection, "predictions", [old, kept])
            await make_partitions(connection, "shadow_predictions", [old - timedelta(days=1), old, kept])
            await made_long_ago(pool)
            await by_owner(
                settings,
                "CREATE TABLE predictions_20200101 (LIKE predictions INCLUDING ALL)",
                "ALTER TABLE predictions ATTACH PARTITION predictions_20200101 FOR VALUES"
                " FROM ('2020-01-01 12:00+00') TO ('2020-01-02 12:00+00')",
            )
            async with connection.transaction():
                await connection.fetch(f"SELECT * FROM {partition_name('shadow_predictions', old)}")
                found = await drop_expired_partitions(pool, KEPT)
        assert [row["batch"] for row in await pool.fetch("SELECT batch FROM batches")] == [f"{now_s - DAY_S}"]
        first = [
            partition_name("predictions", day_of(now_s - 32 * DAY_S)),
            partition_name("predictions", old),
            partition_name("shadow_predictions", old - timedelta(days=1)),
        ]
        assert (found.dropped, found.held) == (first, None)
        assert (await drop_expired_partitions(pool, KEPT)).dropped == [partition_name("shadow_predictions", old)]
        assert (await drop_expired_partitions(pool, KEPT)).dropped == []
        assert await partition_names(pool) == [
            "predictions_20200101",
            partition_name("predictions", kept),
            partition_name("predictions", day_of(now_s - DAY_S)),
            partition_name("predictions", day_of(now_s)),
            partition_name("shadow_predictions", kept),
        ]


async def test_nothing_is_dropped_while_the_clocks_differ(settings: Settings) -> None:
    """The broker 40 days ahead, and back; and what the broker appends with that clock is stored."""
    now_s = time.time()
    async with tables(settings) as pool:
        for n, skew_days in enumerate((0, 40, 0, -40)):
            at_s = now_s + skew_days * DAY_S
            stored = await store(
                pool, block_at(at_s, first_offset=n, appended_s=at_s), now_s=now_s, retention_days=KEPT
            )
            assert stored.inserted == 1
            found = await drop_expired_partitions(pool, KEPT)
            assert (found.dropped, found.held is None) == ([], skew_days == 0)
        assert offsets(await rows(pool)) == [0, 1, 2, 3]
        # A later record with the right time ends it. The rows 40 days back were stored today, and stay as long.
        await store(pool, block_at(now_s, first_offset=4), now_s=now_s)
        assert (await drop_expired_partitions(pool, KEPT)).dropped == []
        assert offsets(await rows(pool)) == [0, 1, 2, 3, 4]
        await made_long_ago(pool)
        assert (await drop_expired_partitions(pool, KEPT)).dropped == [
            partition_name("predictions", day_of(now_s - 40 * DAY_S))
        ]
        assert offsets(await rows(pool)) == [0, 1, 2, 4]
