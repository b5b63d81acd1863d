"""Typed decoding of message values: MessagePack or JSON (`weight.is_json`), and of the columns in them.

Columns are packed little-endian arrays and lists of texts, each as long as the others.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from relearn.schemas.errors import BadMessage
from relearn.schemas.features import MAX_WORDS_BYTES
from relearn.schemas.messages.records import Texts
from relearn.schemas.messages.weight import WEIGHED_FROM_BYTES, check_complete, check_weight, is_json
from relearn.schemas.text import MAX_CONTEXT_BYTES, MAX_TEXT_BYTES, check_text

T = TypeVar("T")


class Decoder(Generic[T]):
    """Decodes values of one type, checking field types and ignoring unknown keys. `what` names the type in errors.

    Values of `weighed_from_bytes` and more are weighed first (weight.py).
    """

    def __init__(self, kind: type[T], what: str, *, weighed_from_bytes: int = WEIGHED_FROM_BYTES) -> None:
        self._what = what
        self._weighed_from_bytes = weighed_from_bytes
        self._packed = msgspec.msgpack.Decoder(kind)
        self._json = msgspec.json.Decoder(kind)

    def read(self, value: bytes | None) -> T:
        """The decoded `value`.

        Raises:
            BadMessage: with reason `empty`, `unreadable` or `too-large`.
        """
        if not value:
            raise BadMessage("empty", "the message has no value")
        json = is_json(value)
        if len(value) >= self._weighed_from_bytes:
            check_weight(value)
        if not json:
            check_complete(value)
        try:
            return self._json.decode(value) if json else self._packed.decode(value)
        except (ValueError, RecursionError) as exc:
            raise BadMessage("unreadable", f"no {self._what}: {str(exc)[:200]}") from exc


def read_array(packed: bytes, dtype: str, shape: tuple[int, ...], name: str) -> NDArray[Any]:
    """The array of that shape in `packed`, as a read-only view.

    Raises:
        BadMessage: with reason `length`.
    """
    expected = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if len(packed) != expected:
        raise BadMessage("length", f"`{name}` is {len(packed)} bytes long, should be {expected}")
    return np.frombuffer(packed, dtype=dtype).reshape(shape)


#: Maximum size of a text in the columns that hold longer ones.
_LIMITS_BYTES = {"contexts": MAX_CONTEXT_BYTES, "strings": MAX_WORDS_BYTES}


def read_texts(column: list[str | None], name: str, n: int) -> Texts:
    """The column itself, of n texts.

    Raises:
        BadMessage: with reason `length` or `text`.
    """
    if len(column) != n:
        raise BadMessage("length", f"`{name}` has {len(column)} entries, should have {n}")
    limit = _LIMITS_BYTES.get(name, MAX_TEXT_BYTES)
    for item in column:
        check_text(item, name, limit)
    return column
