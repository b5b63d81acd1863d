"""Rows as the bytes of Postgres' binary COPY: one numpy structured array, big-endian, lengths and all.

A row is a count of columns, then for each column four bytes of length (-1 for NULL) and the value. Columns whose length
is the same in all rows become fields of the array; texts that differ are put behind it row by row, which is why texts
stand last.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relearn.schemas.features import Strings
from relearn.schemas.messages.records import Texts

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"

_FLOAT8_OID = 701
_TEXT_OID = 25
_EPOCH_S = 946_684_800  # 2000-01-01, where Postgres counts its microseconds from
_NULL = struct.pack(">i", -1)
_LENGTHS = tuple(struct.pack(">i", n) for n in range(2049))

#: One text column's bytes: the same in all rows, or one entry per row.
Tail = bytes | list[bytes]
#: A column of numbers: its big-endian dtype, and one value for all rows or one per row.
Numbers = tuple[str, Any]


def whole_copy(parts: Iterable[bytes]) -> memoryview:
    """All that a COPY reads, of rows as `packed_rows` makes them. Not as `bytes`, which asyncpg takes for a path."""
    return memoryview(b"".join([HEADER, *parts, TRAILER]))


def packed_rows(
    n: int,
    numbers: Mapping[str, Numbers],
    arrays: Mapping[str, NDArray[np.float64]],
    texts: Sequence[Tail],
    *,
    nulls: int = 0,
) -> bytes:
    """n rows: columns of `numbers`, then `nulls` NULL columns, then `arrays` (n, width) of float8, then `texts`."""
    fixed = b"".join(tail for tail in texts if isinstance(tail, bytes))
    columns = len(numbers) + nulls + len(arrays) + len(texts)
    if all(isinstance(tail, bytes) for tail in texts):
        return _heads(n, numbers, arrays, columns=columns, nulls=nulls, tail=fixed).tobytes()
    heads = _heads(n, numbers, arrays, columns=columns, nulls=nulls, tail=b"")
    size, packed = heads.itemsize, heads.tobytes()
    tails = [repeat(tail, n) if isinstance(tail, bytes) else tail for tail in texts]
    starts = range(0, len(packed), size)
    return b"".join(
        [part for start, *row in zip(starts, *tails, strict=True) for part in (packed[start : start + size], *row)]
    )


def _heads(
    n: int,
    numbers: Mapping[str, Numbers],
    arrays: Mapping[str, NDArray[np.float64]],
    *,
    columns: int,
    nulls: int,
    tail: bytes,
) -> NDArray[Any]:
    """(n,) records: the columns of fixed size, then `tail`, which is the same in every row."""
    layout: list[Any] = [("count", ">i2")]
    for name, (dtype, _) in numbers.items():
        layout += [(f"{name}_size", ">i4"), (name, dtype)]
    layout.append(("nulls", ">i4", (nulls,)))
    for name, array in arrays.items():
        layout += [(f"{name}_head", ">i4", 6), (name, [("size", ">i4"), ("value", ">f8")], array.shape[1])]
    layout.append(("tail", "V", len(tail)))

    rows = np.empty(n, dtype=layout)
    rows["count"] = columns
    for name, (dtype, values) in numbers.items():
        rows[f"{name}_size"] = np.dtype(dtype).itemsize
        rows[name] = values
    rows["nulls"] = -1
    for name, array in arrays.items():
        width = array.shape[1]
        # size, dimensions, has NULLs, type, length, lower bound
        rows[f"{name}_head"] = (20 + 12 * width, 1, 0, _FLOAT8_OID, width, 1)
        rows[name]["size"] = 8
        rows[name]["value"] = array
    rows["tail"] = tail
    return rows


def chosen_texts(choices: Sequence[str], chosen: NDArray[np.int16]) -> Tail:
    """The column that has `choices[chosen[i]]` in row i."""
    fields = [_field(text) for text in choices]
    used = np.unique(chosen)
    if len(used) == 1:
        return fields[int(used[0])]
    return [fields[i] for i in chosen.tolist()]


def given_texts(column: Texts) -> Tail:
    """The column that has these texts, at least one."""
    first = column[0]
    if all(text == first for text in column):
        return _field(first)
    return [_field(text) for text in column]


def given_arrays(rows: Sequence[Strings]) -> Tail:
    """The column of text[] that has these arrays of at least one text each; without any it is NULL."""
    return [_text_array(row) for row in rows] if rows else _NULL


def given_number(value: int | None) -> Tail:
    """The column that has this number, an int4, in all rows; None: NULL."""
    return _NULL if value is None else struct.pack(">ii", 4, value)


def _text_array(texts: Strings) -> bytes:
    # Dimensions, has NULLs, type, length, lower bound, and the elements as fields.
    head = struct.pack(">5i", 1, int(None in texts), _TEXT_OID, len(texts), 1)
    value = head + b"".join(map(_field, texts))
    return struct.pack(">i", len(value)) + value


def _field(text: str | None) -> bytes:
    """A text with its length in front. What UTF-8 can't write is left to Postgres to refuse."""
    if text is None:
        return _NULL
    value = text.encode("utf-8", "surrogatepass")
    return (_LENGTHS[len(value)] if len(value) < len(_LENGTHS) else struct.pack(">i", len(value))) + value


def timestamp_us(seconds: Any) -> Any:
    """Seconds since the epoch, float64, as Postgres' microseconds since 2000-01-01, int64."""
    return np.rint(np.asarray(seconds) * 1e6).astype(np.int64) - _EPOCH_S * 1_000_000
