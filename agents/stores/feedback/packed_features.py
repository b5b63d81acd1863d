"""Features as Postgres' binary arrays, many rows at once: a Python object per number takes five times the memory.

With categories: rows (`schemas.features`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from relearn.schemas.features import Strings, row_of, strings_by_code
from relearn.schemas.model.linear_svm import Floats

#: Bytes of an array before its elements, and of an element: its size, and a float8.
_HEAD_BYTES, _ELEMENT_BYTES = 20, 12


def packed(column: str) -> str:
    """The expression that reads a column of float8[] for `unpacked`."""
    return f"array_send({column})"


def unpacked(arrays: Sequence[bytes]) -> Iterator[Floats]:
    """(d,) float64, read-only, of each array; without numbers where it isn't one row of numbers."""
    for size, group in groupby(arrays, key=len):
        rows = list(group)
        d = max(0, size - _HEAD_BYTES) // _ELEMENT_BYTES
        if size != _HEAD_BYTES + d * _ELEMENT_BYTES:
            yield from [np.empty(0)] * len(rows)
            continue
        head = [(name, ">i4") for name in ("dimensions", "nulls", "type", "length", "first")]
        found = np.frombuffer(b"".join(rows), [*head, ("cells", [("size", ">i4"), ("value", ">f8")], (d,))])
        values = found["cells"]["value"].astype(np.float64)
        values.setflags(write=False)
        plain = (found["dimensions"] == 1) & (found["nulls"] == 0)
        yield from (row if ok else row[:0] for row, ok in zip(values, plain.tolist(), strict=True))


def rows_of(
    arrays: Sequence[bytes], strings: Sequence[Strings | None], string_of: dict[float, str] | None = None
) -> Iterator[Floats]:
    """The row of each record: its numbers as `unpacked` reads them, then its categories as codes.

    string_of: gets the string of each code.
    """
    for numbers, its in zip(unpacked(arrays), strings, strict=True):
        if its is not None and string_of is not None:
            string_of.update(strings_by_code([its]))
        yield row_of(numbers, its)
