"""The `predictions` table: many blocks in one transaction, each record once, also when topics are read again.

Straight COPY first, which is twice as fast as anything else. Where Postgres refuses that (a row is there already, a
day has no partition yet, a row holds what can't be stored), the transaction is made again carefully: through a stage
table, leaving out what is there, and cutting down what is refused to the records at fault, which become dead letters.
The answers of shadows are stored after the records, in the same two ways.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import asyncpg
import numpy as np
from numpy.typing import NDArray

from relearn.agents.availability.progress import progressed
from relearn.agents.stores.dead_letters import clean, insert_dead_letters
from relearn.agents.stores.postgres import Connection, Pool, postgres_errors
from relearn.agents.stores.predictions.binary_copy import timestamp_us
from relearn.agents.stores.predictions.copy_rows import COLUMNS, copy_bytes
from relearn.agents.stores.predictions.partitions import make_partitions, oldest_kept
from relearn.agents.stores.predictions.shadow import copy_shadows, insert_shadows, with_shadow
from relearn.agents.stores.predictions.totals import BatchTotal, Group, PartitionTotal, add_batches, add_totals
from relearn.schemas.messages.dead_letters import DeadLetter
from relearn.schemas.messages.ingest import encode_record
from relearn.schemas.messages.predictions import Block

_DAY_US = 86_400_000_000
_DAY_ZERO = date(2000, 1, 1)
#: SQLSTATEs of malformed COPY bytes: a bug of this program, not bad data.
_OUR_FAULT = {"22P03", "22P04"}

_COLUMNS = ", ".join(COLUMNS)
_STAGE = "CREATE TEMP TABLE stage (LIKE predictions INCLUDING DEFAULTS) ON COMMIT DROP"
_FROM_STAGE = f"""
WITH stored AS (
    INSERT INTO predictions ({_COLUMNS}) SELECT {_COLUMNS} FROM pg_temp.stage
    ORDER BY generation, kafka_partition, kafka_offset, record_index
    ON CONFLICT DO NOTHING
    RETURNING generation, kafka_partition, batch, ingested_at
)
SELECT generation, kafka_partition, batch, count(*),
    extract(epoch FROM min(ingested_at))::float8, extract(epoch FROM max(ingested_at))::float8
FROM stored GROUP BY generation, kafka_partition, batch
"""  # noqa: S608 - nothing but names of our own


@dataclass(frozen=True, slots=True)
class Stored:
    """What one call did, in records, and the totals after it, which are absolute: showing them can't drift."""

    inserted: int = 0
    duplicates: int = 0
    expired: int = 0
    refused: int = 0
    totals: Sequence[PartitionTotal] = ()
    batches: Sequence[BatchTotal] = ()
    dead_letters: dict[str, int] = field(default_factory=dict)


async def store_blocks(pool: Pool, blocks: Iterable[Block], *, topic: str, retention_days: int, now_s: float) -> Stored:
    """Insert the blocks' records in one transaction; records whose identity is stored already change nothing.

    Args:
        topic: the full name of the topic that the records came from, for dead letters.
        retention_days: records ingested before the last `retention_days` UTC days are skipped and counted.

    Raises:
        PostgresUnavailable: Retryable; nothing was stored, or all was and the answer was lost.
    """
    kept, expired = _without_expired(blocks, oldest_kept(now_s, retention_days))
    with postgres_errors():
        async with pool.acquire() as connection:
            try:
                return await _copy_direct(connection, kept, expired)
            except (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError):
                await make_partitions(connection, "predictions", _days(kept))
                await make_partitions(connection, "shadow_predictions", _days(with_shadow(kept)))
                return await _insert_via_stage(connection, kept, expired, topic, now_s)


async def _copy_direct(connection: Connection, blocks: Sequence[Block], expired: dict[tuple[int, int], int]) -> Stored:
    groups = [group for block in blocks for group in _groups(block)]
    async with connection.transaction():
        if blocks:
            await _copy(connection, "predictions", blocks)
            await copy_shadows(connection, blocks)
        totals = await add_totals(connection, groups, expired)
        batches = await add_batches(connection, groups)
    return Stored(sum(map(len, blocks)), expired=sum(expired.values()), totals=totals, batches=batches)


async def _insert_via_stage(
    connection: Connection, blocks: Sequence[Block], expired: dict[tuple[int, int], int], topic: str, now_s: float
) -> Stored:
    async with connection.transaction():
        await connection.execute(_STAGE)
        groups, letters = await _by_stage(connection, blocks, topic, now_s)
        await insert_shadows(connection, blocks)
        totals = await add_totals(connection, groups, expired)
        batches = await add_batches(connection, groups)
        dead = await insert_dead_letters(connection, letters)
    inserted = sum(group.records for group in groups)
    return Stored(
        inserted=inserted,
        duplicates=sum(map(len, blocks)) - inserted - len(letters),
        expired=sum(expired.values()),
        refused=len(letters),
        totals=totals,
        batches=batches,
        dead_letters=dead.totals,
    )


async def _by_stage(
    connection: Connection, blocks: Sequence[Block], topic: str, now_s: float
) -> tuple[list[Group], list[DeadLetter]]:
    """Insert what isn't there yet. Records that Postgres refuses are found by halving, and come back as letters."""
    if not blocks:
        return [], []
    try:
        async with connection.transaction():
            await _copy(connection, "stage", blocks)
            groups = [Group(*row) for row in await connection.fetch(_FROM_STAGE)]
            await connection.execute("TRUNCATE pg_temp.stage")
            return groups, []
    except (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError) as exc:
        if exc.sqlstate in _OUR_FAULT:
            raise
        if sum(map(len, blocks)) == 1:
            return [], [_letter(blocks[0], f"{exc} ({exc.sqlstate})", topic, now_s)]
    progressed()
    halves = [await _by_stage(connection, half, topic, now_s) for half in _halves(blocks)]
    return [group for groups, _ in halves for group in groups], [letter for _, found in halves for letter in found]


async def _copy(connection: Connection, table: str, blocks: Sequence[Block]) -> None:
    await connection.copy_to_table(table, source=copy_bytes(blocks), columns=COLUMNS, format="binary")


def _halves(blocks: Sequence[Block]) -> tuple[Sequence[Block], Sequence[Block]]:
    if len(blocks) > 1:
        return blocks[: len(blocks) // 2], blocks[len(blocks) // 2 :]
    first, second = np.array_split(np.arange(len(blocks[0])), 2)
    return [blocks[0].select(first)], [blocks[0].select(second)]


def _letter(block: Block, error: str, topic: str, now_s: float) -> DeadLetter:
    """The dead letter of a block of one record; its value is that record alone, as `ingest` would take it."""
    texts = (block.ids[0], block.subjects[0], block.batches[0], block.contexts[0])
    record_id, subject, batch, context = (None if text is None else clean(text) for text in texts)
    value = encode_record(block.features[0], record_id=record_id, subject=subject, batch=batch, context=context)
    offset, index = int(block.offsets[0]), int(block.indexes[0])
    place = (topic, block.generation, block.partition, offset, (index,))
    return DeadLetter("store", "refused", error, *place, at=now_s, key=None, value=value)


def _day_numbers(block: Block) -> NDArray[np.int64]:
    days: NDArray[np.int64] = timestamp_us(block.ingested_at) // _DAY_US
    return days


def _days(blocks: Iterable[Block]) -> set[date]:
    numbers = {int(day) for block in blocks for day in np.unique(_day_numbers(block))}
    return {_DAY_ZERO + timedelta(days=number) for number in numbers}


def _without_expired(blocks: Iterable[Block], oldest: date) -> tuple[list[Block], dict[tuple[int, int], int]]:
    """Blocks without the records of days before `oldest`, in the order of identity, and how many those were."""
    kept: list[Block] = []
    expired: dict[tuple[int, int], int] = defaultdict(int)
    limit = (oldest - _DAY_ZERO).days
    for block in blocks:
        old = _day_numbers(block) < limit
        if old.any():
            expired[block.generation, block.partition] += int(old.sum())
            block = block.select(np.flatnonzero(~old))  # noqa: PLW2901 - the same block, shorter
        if len(block):
            kept.append(block)
    return sorted(kept, key=lambda block: (block.generation, block.partition, int(block.offsets[0]))), expired


def _groups(block: Block) -> list[Group]:
    """The block's records by batch."""
    place, times = (block.generation, block.partition), block.ingested_at
    first = block.batches[0]
    if all(batch == first for batch in block.batches):
        return [Group(*place, first, len(block), float(times.min()), float(times.max()))]
    rows: dict[str | None, list[int]] = defaultdict(list)
    for i, batch in enumerate(block.batches):
        rows[batch].append(i)
    return [
        Group(*place, batch, len(chosen), float(times[chosen].min()), float(times[chosen].max()))
        for batch, chosen in rows.items()
    ]
