"""The `shadow_predictions` table: what shadows say, stored in the transaction that stores what the champion said.

One row per record and shadow; the first stored stands. `disagrees` compares with the row of `predictions` that stands,
whichever champion the block at hand was scored by.
"""

from __future__ import annotations

from collections.abc import Sequence

from relearn.agents.stores.postgres import Connection
from relearn.agents.stores.predictions.shadow_rows import COLUMNS, copy_bytes
from relearn.schemas.messages.predictions import Block

_STAGE = "CREATE TEMP TABLE shadow_stage (LIKE shadow_predictions) ON COMMIT DROP"
_PLACE = "generation, kafka_partition, kafka_offset, record_index"
# LIMIT has each record's prediction looked up by its key. As a plain join it is planned, on a large day, as a scan of
# the whole day.
_FROM_STAGE = f"""
INSERT INTO shadow_predictions (model, {_PLACE}, ingested_at, label, margins, disagrees)
SELECT s.model, {_PLACE}, s.ingested_at, s.label, s.margins, s.label <> stands.label
FROM pg_temp.shadow_stage s CROSS JOIN LATERAL (
    SELECT p.label FROM predictions p
    WHERE (p.generation, p.kafka_partition, p.kafka_offset, p.record_index, p.ingested_at)
        = (s.generation, s.kafka_partition, s.kafka_offset, s.record_index, s.ingested_at)
    LIMIT 1
) AS stands
ORDER BY {_PLACE}, s.model
ON CONFLICT DO NOTHING
"""  # noqa: S608 - nothing but names of our own


def with_shadow(blocks: Sequence[Block]) -> list[Block]:
    """Those that a shadow was scored for."""
    return [block for block in blocks if block.shadow is not None]


async def copy_shadows(connection: Connection, blocks: Sequence[Block]) -> None:
    """Store what shadows say of records all of which have become rows in this very transaction."""
    shadowed = with_shadow(blocks)
    if shadowed:
        await _copy(connection, "shadow_predictions", shadowed)


async def insert_shadows(connection: Connection, blocks: Sequence[Block]) -> None:
    """Store what isn't there yet, of those records that are rows by now. Needs a transaction, once in each."""
    shadowed = with_shadow(blocks)
    if not shadowed:
        return
    await connection.execute(_STAGE)
    await _copy(connection, "shadow_stage", shadowed)
    await connection.execute(_FROM_STAGE)


async def _copy(connection: Connection, table: str, blocks: Sequence[Block]) -> None:
    await connection.copy_to_table(table, source=copy_bytes(blocks), columns=COLUMNS, format="binary")
