"""Admission on a real Postgres: which records are too old to be stored, and how many days there may be."""

from __future__ import annotations

import time

import numpy as np

from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.predictions.admission import OTHER_DAYS_MAX
from relearn.agents.stores.predictions.partitions import (
    day_of,
    make_partitions,
)
from relearn.schemas.settings import Settings
from tests.support.data.blocks import block_at, block_of, shadow_of
from tests.support.data.messages import decode_chunk
from tests.support.data.stored import TOPIC, by_owner, offsets, partition_names, rows, store, tables, totals

DAY_S = 86_400.0
KEPT = 30


async def letters(pool: Pool) -> dict[tuple[int, int], tuple[str, bytes]]:
    """Partition and offset → reason and value."""
    found = await pool.fetch("SELECT kafka_partition, kafka_offset, reason, value FROM dead_letters")
    return {(row["kafka_partition"], row["kafka_offset"]): (row["reason"], row["value"]) for row in found}


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
        assert len(await partition_names(pool)) <= OTHER_DAYS_MAX + 2
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
