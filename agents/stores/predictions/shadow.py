"""The `shadow_predictions` table: a shadow's answers, stored in the transaction that stores the champion's answers.

One row per record and shadow; the first stored row is kept, and a record without an answer has no row. `disagrees`
compares with the stored row of `predictions`, whichever champion scored the block at hand. Rows are the bytes of
Postgres' binary COPY.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from relearn.agents.stores.places import PLACE
from relearn.agents.stores.postgres import Connection
from relearn.agents.stores.predictions.binary_copy import chosen_texts, packed_rows, timestamp_us, whole_copy
from relearn.agents.stores.predictions.copy_rows import place_numbers
from relearn.schemas.messages.predictions import Block
from relearn.schemas.messages.shadow_answers import NO_ANSWER, ShadowAnswers

#: The columns of `shadow_predictions` in the order of the bytes.
COLUMNS = (
    "generation",
    "kafka_partition",
    "kafka_offset",
    "record_index",
    "model",
    "ingested_at",
    "disagrees",
    "margins",
    "label",
)
_STAGE = "CREATE TEMP TABLE shadow_stage (LIKE shadow_predictions) ON COMMIT DROP"
# LIMIT makes the planner look up each record's prediction by its key. On a large day, a plain join is planned as a scan
# of the whole day.
_FROM_STAGE = f"""
INSERT INTO shadow_predictions (model, {PLACE}, ingested_at, label, margins, disagrees)
SELECT s.model, {PLACE}, s.ingested_at, s.label, s.margins, s.label <> stored.label
FROM pg_temp.shadow_stage s CROSS JOIN LATERAL (
    SELECT p.label FROM predictions p
    WHERE (p.generation, p.kafka_partition, p.kafka_offset, p.record_index, p.ingested_at)
        = (s.generation, s.kafka_partition, s.kafka_offset, s.record_index, s.ingested_at)
    LIMIT 1
) AS stored
ORDER BY {PLACE}, s.model
ON CONFLICT DO NOTHING
"""  # noqa: S608 - nothing but names of our own


def with_shadow(blocks: Sequence[Block]) -> list[Block]:
    """The blocks that hold a shadow's answers."""
    return [block for block in blocks if block.shadow is not None]


async def copy_shadows(connection: Connection, blocks: Sequence[Block]) -> None:
    """Store the shadows' answers. Every record of the blocks was inserted in the caller's transaction."""
    shadowed = with_shadow(blocks)
    if shadowed:
        await _copy(connection, "shadow_predictions", shadowed)


async def insert_shadows(connection: Connection, blocks: Sequence[Block]) -> None:
    """Store the shadows' answers to records that have rows, without stored ones. Once in the caller's transaction."""
    shadowed = with_shadow(blocks)
    if not shadowed:
        return
    await connection.execute(_STAGE)
    await _copy(connection, "shadow_stage", shadowed)
    await connection.execute(_FROM_STAGE)


async def _copy(connection: Connection, table: str, blocks: Sequence[Block]) -> None:
    await connection.copy_to_table(table, source=shadow_copy_bytes(blocks), columns=COLUMNS, format="binary")


def shadow_copy_bytes(blocks: Sequence[Block]) -> memoryview:
    """The bytes that `COPY shadow_predictions (COLUMNS) FROM STDIN (FORMAT binary)` reads for these blocks."""
    return whole_copy(_rows(block, block.shadow) for block in blocks if block.shadow is not None)


def disagreements(block: Block, shadow: ShadowAnswers) -> NDArray[np.bool_]:
    """(n,) whether the shadow's label is another than the block's own. Labels are compared as texts, not as indexes."""
    # Numbers that equal labels share. A table of all pairs would grow with the product of the classes.
    numbers: dict[str, int] = {}
    ours, theirs = (
        np.array([numbers.setdefault(label, len(numbers)) for label in classes])
        for classes in (shadow.classes, block.classes)
    )
    found: NDArray[np.bool_] = ours[shadow.labels] != theirs[block.labels]
    return found


def _rows(block: Block, shadow: ShadowAnswers) -> bytes:
    answered = shadow.labels != NO_ANSWER
    if not answered.all():
        chosen = np.flatnonzero(answered)
        block, shadow = block.select(chosen), shadow.select(chosen)
    if not len(block):
        return b""
    numbers = {
        **place_numbers(block),
        "model": (">i4", shadow.model),
        "ingested_at": (">i8", timestamp_us(block.ingested_at)),
        "disagrees": ("?", disagreements(block, shadow)),
    }
    return packed_rows(len(block), numbers, {"margins": shadow.margins}, [chosen_texts(shadow.classes, shadow.labels)])
