"""Retention on a real Postgres: what is dropped, what is too old, and how many days there may be."""

from __future__ import annotations

import time
from datetime import timedelta

import asyncpg
import numpy as np

from relearn.agents.stores.postgres import Pool, quoted
from relearn.agents.stores.predictions.partitions import (
    TABLES,
    day_of,
    make_partitions,
    partition_name,
    read_partitions,
)
from relearn.agents.stores.predictions.retention import OTHER_DAYS_MAX, drop_expired_partitions
from relearn.schemas.messages.ingest_fast_path import decode_chunk
from relearn.schemas.messages.predictions import Block
from relearn.schemas.settings import Settings
from tests.support.data.blocks import block_of, shadow_of
from tests.support.data.stored import TOPIC, offsets, rows, store, tables, totals

DAY_S = 86_400.0
KEPT = 30


def block_at(at_s: float, n: int = 1, **given: object) -> Block:
    return block_of(n, ingested_at=np.full(n, at_s), **given)


async def names(pool: Pool) -> list[str]:
    async with pool.acquire() as connection:
        return [one.name for table in TABLES for one in await read_partitions(connection, table)]


async def by_owner(settings: Settings, *statements: str) -> None:
    """Changes that only the tables' owner may make."""
    connection = await asyncpg.connect(
        settings.migration_dsn, server_settings={"search_path": quoted(settings.namespace)}
    )
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def made_long_ago(pool: Pool) -> None:
    """Every partition there is, by Postgres' clock."""
    await pool.execute("UPDATE daily_partitions SET made_at = made_at - interval '1 year'")


async def letters(pool: Pool) -> dict[tuple[int, int], tuple[str, bytes]]:
    """Partition and offset → reason and value."""
    found = await pool.fetch("SELECT kafka_partition, kafka_offset, reason, value FROM dead_letters")
    return {(row["kafka_partition"], row["kafka_offset"]): (row["reason"], row["value"]) for row in found}


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
        assert await names(pool) == [
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


async def test_a_record_too_old_to_be_stored_becomes_a_dead_letter(settings: Settings) -> None:
    """Once, at its place, as a message that `ingest` takes; its neighbours and a day that is there are stored."""
    now_s = time.time()
    old_s, older_s = now_s - (KEPT + 1) * DAY_S, now_s - 400 * DAY_S
    async with tables(settings) as pool:
        await store(pool, block_at(now_s, first_offset=50), now_s=now_s)
        async with pool.acquire() as connection:
            await make_partitions(connection, "predictions", [day_of(older_s)])
        times = np.array([old_s, now_s, older_s])
        block = block_of(3, ingested_at=times, shadow=shadow_of(3))
        for _ in range(2):
            stored = await store(pool, block, now_s=now_s)
            assert (stored.expired, stored.dead_letters) in [(1, {TOPIC: 1}), (1, {})]
        assert offsets(await rows(pool)) == [1, 2, 50]
        found = await letters(pool)
        assert {place: reason for place, (reason, _) in found.items()} == {(0, 0): "expired"}
        message = type("Message", (), {"partition": 0, "offset": 0, "timestamp": 0, "value": found[0, 0][1]})
        records, rejects = decode_chunk([message], ("x1", "x2", "x3"))  # type: ignore[list-item]
        assert (rejects, records.features.tolist()) == ([], block.features[:1].tolist())
        assert (await totals(pool))[0, 0][0] == 3
        # Of another Kafka partition nothing later is stored, but its block has the time of appending.
        stored = await store(pool, block_at(old_s, partition=1, appended_s=now_s), now_s=now_s)
        assert (stored.inserted, stored.expired) == (0, 1)


async def test_a_block_of_twelve_thousand_days_makes_no_twelve_thousand_partitions(settings: Settings) -> None:
    """Each record is a row or a dead letter, and the days that are kept have room afterwards."""
    now_s, n = time.time(), 12_000
    async with tables(settings) as pool:
        block = block_of(n, ingested_at=now_s + DAY_S * np.arange(n))
        stored = await store(pool, block, now_s=now_s)
        assert stored.inserted + stored.refused == n
        assert len(await names(pool)) <= OTHER_DAYS_MAX + 2
        assert {reason for reason, _ in (await letters(pool)).values()} == {"overflow"}
        late = await store(pool, block_at(now_s - DAY_S, first_offset=n), now_s=now_s)
        assert late.inserted == 1


async def test_a_day_that_another_partition_covers_is_stored_there(settings: Settings) -> None:
    """A worker makes no second one, and doesn't stop."""
    now_s = time.time()
    async with tables(settings) as pool:
        await by_owner(
            settings,
            "CREATE TABLE everything PARTITION OF predictions DEFAULT",
            f"GRANT ALL ON everything TO {await pool.fetchval('SELECT current_user')}",
        )
        blocks = block_at(now_s), block_at(now_s)
        for block in blocks:
            await store(pool, block, now_s=now_s)
        assert len(await rows(pool)) == 1
