"""What tests of the store look at: a namespace with tables, and its rows as Python values."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import numpy as np
from numpy.typing import NDArray

from relearn.agents.stores.migrations import migrate
from relearn.agents.stores.postgres import Pool, open_pool, quoted
from relearn.agents.stores.predictions.insert import Stored, store_blocks
from relearn.agents.stores.predictions.partitions import TABLES, read_partitions
from relearn.schemas.messages.predictions import Block
from relearn.schemas.settings import Settings
from tests.support.data.blocks import NOON_S

TOPIC = "ingest"


@asynccontextmanager
async def tables(settings: Settings, size: int = 4) -> AsyncIterator[Pool]:
    """A pool on the namespace's tables."""
    await migrate(settings)
    pool = await open_pool(settings, size=size)
    try:
        yield pool
    finally:
        pool.terminate()


async def store(pool: Pool, *blocks: Block, now_s: float = NOON_S, retention_days: int = 30) -> Stored:
    return await store_blocks(pool, blocks, topic=TOPIC, retention_days=retention_days, now_s=now_s)


async def rows(pool: Pool) -> list[dict[str, Any]]:
    """Every prediction but when it was stored, by identity."""
    found = await pool.fetch(
        "SELECT * FROM predictions ORDER BY generation, kafka_partition, kafka_offset, record_index"
    )
    return [{key: value for key, value in row.items() if key != "stored_at"} for row in found]


async def shadow_rows(pool: Pool) -> list[dict[str, Any]]:
    """Everything that shadows said, by identity and model."""
    found = await pool.fetch(
        "SELECT * FROM shadow_predictions ORDER BY generation, kafka_partition, kafka_offset, record_index, model"
    )
    return [dict(row) for row in found]


async def disagreeing(pool: Pool) -> list[bool]:
    """Whether each of what shadows said is another label than the prediction's, by identity and model."""
    return [row["disagrees"] for row in await shadow_rows(pool)]


async def partition_names(pool: Pool) -> list[str]:
    """The daily partitions of both tables."""
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


async def totals(pool: Pool) -> dict[tuple[int, int], tuple[int, int]]:
    """(generation, partition) → (records, expired)."""
    found = await pool.fetch("SELECT generation, kafka_partition, records, expired FROM totals")
    return {(g, p): (records, expired) for g, p, records, expired in found}


async def counted(pool: Pool) -> dict[tuple[int, int], int]:
    """(generation, partition) → rows that are really there."""
    found = await pool.fetch("SELECT generation, kafka_partition, count(*) FROM predictions GROUP BY 1, 2")
    return {(g, p): n for g, p, n in found}


def offsets(found: Iterable[dict[str, Any]]) -> list[int]:
    return [row["kafka_offset"] for row in found]


def labels(*given: int) -> NDArray[np.int16]:
    """A column of labels."""
    return np.array(given, np.int16)
