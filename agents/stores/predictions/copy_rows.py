"""Blocks as rows of `predictions`, in the bytes of Postgres' binary COPY.

The order of rows is not kept: rows with a confidence come before those without.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from relearn.agents.stores.predictions.binary_copy import (
    Numbers,
    chosen_texts,
    given_arrays,
    given_number,
    given_texts,
    packed_rows,
    timestamp_us,
    whole_copy,
)
from relearn.schemas.messages.predictions import Block

#: The columns of `predictions` in the order of the bytes.
COLUMNS = (
    "generation",
    "kafka_partition",
    "kafka_offset",
    "record_index",
    "model",
    "activation",
    "ingested_at",
    "scored_at",
    "confidence",
    "margins",
    "features",
    "label",
    "id",
    "subject",
    "batch",
    "context",
    "strings",
    "schema",
)


def copy_bytes(blocks: Sequence[Block]) -> memoryview:
    """Everything that `COPY predictions (COLUMNS) FROM STDIN (FORMAT binary)` reads for these blocks."""
    return whole_copy(part for block in blocks for part in _parts(block))


def place_numbers(block: Block) -> dict[str, Numbers]:
    """The columns of a record's identity."""
    return {
        "generation": (">i4", block.generation),
        "kafka_partition": (">i4", block.partition),
        "kafka_offset": (">i8", block.offsets),
        "record_index": (">i4", block.indexes),
    }


def _parts(block: Block) -> list[bytes]:
    unknown = np.isnan(block.confidence)
    if unknown.all() or not unknown.any():
        return [_rows(block, confident=not unknown.any())] if len(block) else []
    return [
        _rows(block.select(np.flatnonzero(~unknown)), confident=True),
        _rows(block.select(np.flatnonzero(unknown)), confident=False),
    ]


def _rows(block: Block, *, confident: bool) -> bytes:
    numbers = {
        **place_numbers(block),
        "model": (">i4", block.model),
        "activation": (">i4", block.activation),
        "ingested_at": (">i8", timestamp_us(block.ingested_at)),
        "scored_at": (">i8", timestamp_us(block.scored_at)),
    }
    if confident:
        numbers["confidence"] = (">f4", block.confidence)
    texts = (block.ids, block.subjects, block.batches, block.contexts)
    return packed_rows(
        len(block),
        numbers,
        {"margins": block.margins, "features": block.features},
        [
            chosen_texts(block.classes, block.labels),
            *map(given_texts, texts),
            given_arrays(block.strings),
            given_number(block.schema),
        ],
        nulls=0 if confident else 1,
    )
