"""Writes that were sent under a key: each is stored once, though its message may stand in the topic several times.

A producer that doesn't know whether its message arrived sends it again under the same key. The first message of a key
whose records are stored claims the key, in the transaction of the rows; the records of others are left out, and the
places of these messages name the first one's predictions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from relearn.agents.stores.postgres import Connection, Pool, postgres_errors
from relearn.schemas.identity import Place
from relearn.schemas.messages.predictions import Block

_CLAIM = """
INSERT INTO ingest_writes (token, generation, kafka_partition, kafka_offset, ingested_at)
SELECT DISTINCT ON (token) token, g, p, o, to_timestamp(s)
FROM unnest($1::text[], $2::int[], $3::int[], $4::bigint[], $5::float8[]) AS u (token, g, p, o, s)
ORDER BY token, g, p, o
ON CONFLICT (token) DO NOTHING
"""
# After the claims, which wait for those of concurrent transactions.
_OTHERS = """
SELECT u.n FROM unnest($1::text[], $2::int[], $3::int[], $4::bigint[]) WITH ORDINALITY AS u (token, g, p, o, n)
JOIN ingest_writes w USING (token)
WHERE (w.generation, w.kafka_partition, w.kafka_offset) <> (u.g, u.p, u.o)
"""
_REPEAT = """
INSERT INTO repeated_writes (generation, kafka_partition, kafka_offset, token, ingested_at)
SELECT g, p, o, token, to_timestamp(s)
FROM unnest($1::text[], $2::int[], $3::int[], $4::bigint[], $5::float8[]) AS u (token, g, p, o, s)
ORDER BY g, p, o
ON CONFLICT DO NOTHING
"""
_FIRST = """
SELECT u.n, w.generation, w.kafka_partition, w.kafka_offset
FROM unnest($1::int[], $2::int[], $3::bigint[]) WITH ORDINALITY AS u (g, p, o, n)
JOIN repeated_writes r ON (r.generation, r.kafka_partition, r.kafka_offset) = (u.g, u.p, u.o)
JOIN ingest_writes w USING (token)
"""
# Rows before the oldest partition can't be stored again.
_FORGET = """
DELETE FROM {table} WHERE ingested_at < (
    SELECT to_date(right(min(c.relname), 8), 'YYYYMMDD')::timestamp AT TIME ZONE 'UTC'
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'predictions'::regclass
)
"""


async def without_repeats(connection: Connection, blocks: Sequence[Block]) -> Sequence[Block]:
    """Claim the blocks' writes; the blocks without the records of writes that another message has claimed.

    Within the transaction that stores the records.
    """
    rows = sorted({row for block in blocks if block.writes for row in _rows(block)})
    if not rows:
        return blocks
    columns = [list(column) for column in zip(*rows, strict=True)]
    await connection.execute(_CLAIM, *columns)
    repeats = [rows[row["n"] - 1] for row in await connection.fetch(_OTHERS, *columns[:4])]
    if not repeats:
        return blocks
    await connection.execute(_REPEAT, *([list(column) for column in zip(*repeats, strict=True)]))
    dropped = {row[1:4] for row in repeats}
    kept = (_without(block, dropped) for block in blocks)
    return [block for block in kept if len(block)]


async def first_places(connection: Connection, places: Sequence[Place]) -> dict[Place, Place]:
    """For each place in a repeated message, the place of the same record in the message that was stored."""
    rows = await connection.fetch(
        _FIRST, [one.generation for one in places], [one.partition for one in places], [one.offset for one in places]
    )
    found: dict[Place, Place] = {}
    for n, generation, partition, offset in map(tuple, rows):
        place = places[n - 1]
        found[place] = Place(generation, partition, offset, place.index)
    return found


async def forget_writes(pool: Pool) -> None:
    """Delete the keys of messages whose records are too old to be stored again.

    Raises:
        PostgresUnavailable: Retryable.
    """
    with postgres_errors():
        for table in ("repeated_writes", "ingest_writes"):
            await pool.execute(_FORGET.format(table=table))


def _rows(block: Block) -> Iterable[tuple[str, int, int, int, float]]:
    """Token, generation, partition, offset and time of each of the block's writes that has records in it."""
    times = dict(zip(block.offsets.tolist(), block.ingested_at.tolist(), strict=True))
    for offset, token in block.writes:
        if offset in times:
            yield token, block.generation, block.partition, offset, times[offset]


def _without(block: Block, dropped: set[tuple[int, int, int]]) -> Block:
    own = block.generation, block.partition
    gone = [offset for *place, offset in dropped if tuple(place) == own]
    return block.select(np.flatnonzero(~np.isin(block.offsets, gone))) if gone else block
