"""Columns of a message: packed little-endian arrays and lists of texts, each as long as the others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from relearn.schemas.errors import BadMessage
from relearn.schemas.messages.records import Texts
from relearn.schemas.text import MAX_CONTEXT_BYTES, MAX_TEXT_BYTES, check_text


def read_array(packed: bytes, dtype: str, shape: tuple[int, ...], name: str) -> NDArray[Any]:
    """The array of that shape in `packed`, as a read-only view.

    Raises:
        BadMessage: with reason `length`.
    """
    expected = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if len(packed) != expected:
        raise BadMessage("length", f"`{name}` is {len(packed)} bytes long, should be {expected}")
    return np.frombuffer(packed, dtype=dtype).reshape(shape)


def read_texts(column: list[str | None], name: str, n: int) -> Texts:
    """The column itself, of n texts.

    Raises:
        BadMessage: with reason `length` or `text`.
    """
    if len(column) != n:
        raise BadMessage("length", f"`{name}` has {len(column)} entries, should have {n}")
    limit = MAX_CONTEXT_BYTES if name == "contexts" else MAX_TEXT_BYTES
    for item in column:
        check_text(item, name, limit)
    return column
