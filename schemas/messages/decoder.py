"""Typed decoding of message values: MessagePack, or JSON where the first byte is `{`, so that people can type one."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from relearn.schemas.errors import BadMessage

T = TypeVar("T")


class Decoder(Generic[T]):
    """Decodes values of one type, checking field types and ignoring unknown keys. `what` names the type in errors."""

    def __init__(self, kind: type[T], what: str) -> None:
        self._what = what
        self._packed = msgspec.msgpack.Decoder(kind)
        self._json = msgspec.json.Decoder(kind)

    def read(self, value: bytes | None) -> T:
        """The decoded `value`.

        Raises:
            BadMessage: with reason `empty` or `unreadable`.
        """
        if not value:
            raise BadMessage("empty", "the message has no value")
        try:
            return self._json.decode(value) if value[:1] == b"{" else self._packed.decode(value)
        except (ValueError, RecursionError) as exc:
            raise BadMessage("unreadable", f"no {self._what}: {str(exc)[:200]}") from exc
