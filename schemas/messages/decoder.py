"""Typed decoding of message values: MessagePack or JSON (`weight.is_json`)."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from relearn.schemas.errors import BadMessage
from relearn.schemas.messages.weight import WEIGHED_FROM_BYTES, check_complete, check_weight, is_json

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
