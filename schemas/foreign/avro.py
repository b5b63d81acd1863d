"""Avro: a schema that others wrote, checked and compiled, and the messages that are decoded by it. Pure.

fastavro reads the schema. Messages are read by `avro_read`, within the bounds of `avro_size`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException

from relearn.schemas.errors import BadMessage
from relearn.schemas.foreign.avro_read import Malformed, reader_of
from relearn.schemas.foreign.avro_size import size_of
from relearn.schemas.foreign.frame import FRAME_BYTES
from relearn.schemas.messages.weight import DECODED_MAX_BYTES


class AvroCodec:
    """Decodes framed messages by one schema. `references`: schemas that it names, those first that others name."""

    def __init__(self, text: str, references: Sequence[str] = ()) -> None:
        """Compile the schema.

        Raises:
            BadMessage: with reason `schema`.
        """
        try:
            named: dict[str, Any] = {}
            for one in references:
                fastavro.parse_schema(_without_defaults(json.loads(one)), named)
            schema = fastavro.parse_schema(_without_defaults(json.loads(text)), named)
            self._most_bytes = size_of(schema, named).most_bytes(DECODED_MAX_BYTES)
            self._read = reader_of(schema, named)
        except (SchemaParseException, ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
            raise BadMessage("schema", f"its Avro schema can't be read: {_line(exc)}") from exc

    def decode(self, value: bytes) -> Any:
        """The Python objects in a framed message.

        Raises:
            BadMessage: with reason `unreadable` or `too-large`.
        """
        if len(value) > self._most_bytes:
            raise BadMessage("too-large", f"decoded it may take more than {DECODED_MAX_BYTES // 2**20} MiB of memory")
        try:
            found, end = self._read(value, FRAME_BYTES)
        except (IndexError, struct.error) as exc:
            raise BadMessage("unreadable", "not of its Avro schema: it ends within a value") from exc
        except (Malformed, UnicodeDecodeError) as exc:
            raise BadMessage("unreadable", f"not of its Avro schema: {_line(exc)}") from exc
        if end != len(value):
            raise BadMessage("unreadable", f"not of its Avro schema: {len(value) - end} bytes are left over")
        return found


def _line(exc: BaseException) -> str:
    return " ".join(str(exc).split())[:200] or type(exc).__name__


def _without_defaults(schema: Any) -> Any:
    """The schema without defaults, which no reader here uses, and which fastavro would check."""
    if isinstance(schema, list):
        return [_without_defaults(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: _without_defaults(item) for name, item in schema.items() if name != "default"}
