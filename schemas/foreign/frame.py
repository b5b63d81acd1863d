"""A schema registry's framing: a byte 0, the schema's id, then the message in the schema's format. Pure."""

from __future__ import annotations

import struct
from typing import Any, Protocol

from relearn.schemas.messages.weight import FRAMED_FIRST_BYTE

_FRAME = struct.Struct(">bI")
FRAME_BYTES = _FRAME.size


class Codec(Protocol):
    """Decodes what stands behind the framing, by one schema."""

    def decode(self, value: bytes) -> Any:
        """The Python objects in a framed message. `value` is the message with its framing.

        Raises:
            BadMessage: it isn't a message of this schema, or one that takes too much memory.
        """
        ...


def frame(schema_id: int, message: bytes) -> bytes:
    """The message with its framing."""
    return _FRAME.pack(FRAMED_FIRST_BYTE, schema_id) + message


def schema_id_of(value: bytes | None) -> int | None:
    """The schema's id in a framed message; None: it isn't framed."""
    if not value or value[0] != FRAMED_FIRST_BYTE or len(value) < FRAME_BYTES:
        return None
    return int(_FRAME.unpack_from(value)[1])
