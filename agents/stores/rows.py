"""Blocks as the bytes of Postgres' binary COPY: one numpy structured array per block, big-endian, lengths and all.

A row is a count of columns, then for each column four bytes of length (-1 for NULL) and the value. Columns whose length
is the same in all rows of a block become fields of the array; texts that differ are put behind it row by row, which is
why they stand last in `COLUMNS`. The order of rows is not kept: rows with a confidence come before those without.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.predictions import Block
from schemas.records import Texts

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
)
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"

_FLOAT8_OID = 701
_EPOCH_S = 946_684_800  # 2000-01-01, where Postgres counts its microseconds from
_NULL = struct.pack(">i", -1)
_LENGTHS = tuple(struct.pack(">i", n) for n in range(2049))

#: One column's bytes: the same in all rows, or one entry per row.
Tail = bytes | list[bytes]


def copy_bytes(blocks: Sequence[Block]) -> bytes:
    """Everything that `COPY predictions (COLUMNS) FROM STDIN (FORMAT binary)` reads for these blocks."""
    return b"".join([HEADER, *(part for block in blocks for part in _parts(block)), TRAILER])


def timestamp_us(seconds: Any) -> Any:
    """Seconds since the epoch, float64, as Postgres' microseconds since 2000-01-01, int64."""
    return np.rint(np.asarray(seconds) * 1e6).astype(np.int64) - _EPOCH_S * 1_000_000


def _parts(block: Block) -> list[bytes]:
    unknown = np.isnan(block.confidence)
    if unknown.all() or not unknown.any():
        return [_rows(block, confident=not unknown.any())] if len(block) else []
    return [
        _rows(take(block, np.flatnonzero(~unknown)), confident=True),
        _rows(take(block, np.flatnonzero(unknown)), confident=False),
    ]


def _rows(block: Block, *, confident: bool) -> bytes:
    tails = [_labels(block), *map(_texts, (block.ids, block.subjects, block.batches, block.contexts))]
    fixed = b"".join(tail for tail in tails if isinstance(tail, bytes))
    if all(isinstance(tail, bytes) for tail in tails):
        return _heads(block, confident=confident, tail=fixed).tobytes()
    heads = _heads(block, confident=confident, tail=b"")
    size, packed = heads.itemsize, heads.tobytes()
    columns = [repeat(tail, len(block)) if isinstance(tail, bytes) else tail for tail in tails]
    starts = range(0, len(packed), size)
    return b"".join(
        [part for start, *row in zip(starts, *columns, strict=True) for part in (packed[start : start + size], *row)]
    )


def _heads(block: Block, *, confident: bool, tail: bytes) -> NDArray[Any]:
    """(n,) records: the columns of fixed size, then `tail`, which is the same in every row."""
    columns: dict[str, tuple[str, Any]] = {
        "generation": (">i4", block.generation),
        "partition": (">i4", block.partition),
        "offset": (">i8", block.offsets),
        "index": (">i4", block.indexes),
        "model": (">i4", block.model),
        "activation": (">i4", block.activation),
        "ingested_at": (">i8", timestamp_us(block.ingested_at)),
        "scored_at": (">i8", timestamp_us(block.scored_at)),
    }
    if confident:
        columns["confidence"] = (">f4", block.confidence)
    layout: list[Any] = [("count", ">i2")]
    for name, (dtype, _) in columns.items():
        layout += [(f"{name}_size", ">i4"), (name, dtype)]
    if not confident:
        layout.append(("null", ">i4"))
    for name, array in (("margins", block.margins), ("features", block.features)):
        layout += [(f"{name}_head", ">i4", 6), (name, [("size", ">i4"), ("value", ">f8")], array.shape[1])]
    layout.append(("tail", "V", len(tail)))

    rows = np.empty(len(block), dtype=layout)
    rows["count"] = len(COLUMNS)
    for name, (dtype, values) in columns.items():
        rows[f"{name}_size"] = np.dtype(dtype).itemsize
        rows[name] = values
    if not confident:
        rows["null"] = -1
    for name, array in (("margins", block.margins), ("features", block.features)):
        width = array.shape[1]
        # size, dimensions, has NULLs, type, length, lower bound
        rows[f"{name}_head"] = (20 + 12 * width, 1, 0, _FLOAT8_OID, width, 1)
        rows[name]["size"] = 8
        rows[name]["value"] = array
    rows["tail"] = tail
    return rows


def _labels(block: Block) -> Tail:
    classes = [_field(label) for label in block.classes]
    used = np.unique(block.labels)
    if len(used) == 1:
        return classes[int(used[0])]
    return [classes[i] for i in block.labels.tolist()]


def _texts(column: Texts) -> Tail:
    first = column[0]
    if all(text == first for text in column):
        return _field(first)
    return [_field(text) for text in column]


def _field(text: str | None) -> bytes:
    """A text with its length in front. What UTF-8 can't write is left to Postgres to refuse."""
    if text is None:
        return _NULL
    value = text.encode("utf-8", "surrogatepass")
    return (_LENGTHS[len(value)] if len(value) < len(_LENGTHS) else struct.pack(">i", len(value))) + value


def take(block: Block, chosen: NDArray[np.intp]) -> Block:
    """The records at positions `chosen` as a block of their own, in that order."""
    columns = (block.ids, block.subjects, block.batches, block.contexts)
    ids, subjects, batches, contexts = ([column[i] for i in chosen] for column in columns)
    return Block(
        block.generation,
        block.partition,
        block.offsets[chosen],
        block.indexes[chosen],
        block.ingested_at[chosen],
        ids,
        subjects,
        batches,
        contexts,
        block.features[chosen],
        block.classes,
        block.labels[chosen],
        block.margins[chosen],
        block.confidence[chosen],
        block.model,
        block.activation,
        block.scored_at,
    )
