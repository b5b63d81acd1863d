"""The `predictions` table: many blocks in one transaction, each record once, also when topics are read again.

Straight COPY first, which is twice as fast as anything else. Where Postgres refuses that (a row is there already, a
day has no partition yet, a row holds what can't be stored), the transaction is made again carefully: through a stage
table, leaving out what is there, and cutting down what is refused to the records at fault, which become dead letters.
A record of a day without a partition may be too old for one (`admission`): then the record is a dead letter, too.
The answers of shadows are stored after the records, in the same two ways.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import asyncpg
import numpy as np

from relearn.agents.availability.progress import progressed
from relearn.agents.stores.dead_letters import insert_dead_letters
from relearn.agents.stores.features.versions import read_schemas
from relearn.agents.stores.postgres import Connection, Pool, postgres_errors
from relearn.agents.stores.predictions.admission import Admitted, admit, letter_of
from relearn.agents.stores.predictions.copy_rows import COLUMNS, copy_bytes
from relearn.agents.stores.predictions.keyed_writes import without_repeats
from relearn.agents.stores.predictions.retention import NOW_S
from relearn.agents.stores.predictions.shadow import copy_shadows, insert_shadows
from relearn.agents.stores.predictions.totals import BatchTotal, Group, PartitionTotal, add_batches, add_totals
from relearn.schemas.messages.dead_letters import DeadLetter
from relearn.schemas.messages.predictions import Block

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


async def store_blocks(
    pool: Pool, blocks: Iterable[Block], *, topic: str, retention_days: int, now_s: float | None = None
) -> Stored:
    """Insert the blocks' records in one transaction; records whose identity is stored already change nothing.

    Args:
        topic: the full name of the topic that the records came from, for dead letters.
        retention_days: records of earlier UTC days are too old to be stored, and become dead letters.
        now_s: Postgres' clock; None: read it.

    Raises:
        PostgresUnavailable: Retryable; nothing was stored, or all was and the answer was lost.
    """
    with_rows = (block for block in blocks if len(block))
    in_order = sorted(with_rows, key=lambda block: (block.generation, block.partition, int(block.offsets[0])))
    with postgres_errors():
        async with pool.acquire() as connection:
            try:
                return await _copy_direct(connection, in_order)
            except (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError):
                at_s = await connection.fetchval(NOW_S) if now_s is None else now_s
                admitted = await admit(connection, in_order, topic, retention_days=retention_days, now_s=at_s)
                return await _insert_via_stage(connection, admitted, topic, at_s)


async def _copy_direct(connection: Connection, blocks: Sequence[Block]) -> Stored:
    given = sum(map(len, blocks))
    async with connection.transaction():
        blocks = await without_repeats(connection, blocks)
        groups = [group for block in blocks for group in _groups(block)]
        if blocks:
            await _copy(connection, "predictions", blocks)
            await copy_shadows(connection, blocks)
        totals = await add_totals(connection, groups, {})
        batches = await add_batches(connection, groups)
    stored = sum(map(len, blocks))
    return Stored(stored, given - stored, totals=totals, batches=batches)


async def _insert_via_stage(connection: Connection, admitted: Admitted, topic: str, now_s: float) -> Stored:
    blocks, given = admitted.blocks, sum(map(len, admitted.blocks))
    async with connection.transaction():
        blocks = await without_repeats(connection, blocks)
        await connection.execute(_STAGE)
        groups, refused = await _by_stage(connection, blocks, topic, now_s)
        await insert_shadows(connection, blocks)
        totals = await add_totals(connection, groups, admitted.expired)
        batches = await add_batches(connection, groups)
        dead = await insert_dead_letters(connection, [*admitted.letters, *refused])
    inserted, expired = sum(group.records for group in groups), sum(admitted.expired.values())
    return Stored(
        inserted=inserted,
        duplicates=given - inserted - len(refused),
        expired=expired,
        refused=len(refused) + len(admitted.letters) - expired,
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
            schemas = await read_schemas(connection)
            return [], [letter_of(blocks[0], "refused", f"{exc} ({exc.sqlstate})", topic, now_s, schemas=schemas)]
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
