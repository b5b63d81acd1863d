"""Reading one message of another shape into the builder of a chunk's records. Pure.

JSON is read by the mapping, where one is set. A message in a schema registry's framing is decoded by its schema, then
read by the mapping, else as a message of Relearn's own shape. Everything else is left to `ingest_fast_path`: a message
of Relearn's own in MessagePack is the same with a mapping and without.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

from relearn.schemas.errors import BadMessage
from relearn.schemas.foreign.frame import FRAME_BYTES, Codec
from relearn.schemas.foreign.json_object import json_object
from relearn.schemas.foreign.mapping import FeaturePaths, MappedTexts, MessageMapping
from relearn.schemas.foreign.unwrap import unwrap
from relearn.schemas.foreign.values import kind_of
from relearn.schemas.messages.ingest_faults import NO_REGISTRY, read_message
from relearn.schemas.messages.records import Fault, RawMessage, RecordsBuilder, Reject, UnreadMessage
from relearn.schemas.messages.weight import FRAMED_FIRST_BYTE, JSON_FIRST_BYTE, WEIGHED_FROM_BYTES, check_weight
from relearn.schemas.text import MAX_CONTEXT_BYTES, text_fault

PackRow = Callable[..., bytes]


class ForeignReader:
    """Reads the messages of one worker that are not in a form of Relearn's own.

    `codec_of` returns the codec of a schema's id, or raises BadMessage with reason `schema`; None: no registry is set.
    `skipped` counts the messages without a record: values of null, and records that were deleted.
    """

    def __init__(self, mapping: MessageMapping | None, codec_of: Callable[[int], Codec] | None) -> None:
        self.skipped = 0
        self._mapping = mapping
        self._codec_of = codec_of
        self._paths: FeaturePaths | None = None

    def add(self, builder: RecordsBuilder, message: RawMessage, pack_row: PackRow) -> bool:
        """Add the record of one message, or its fault. False: the message is none for this reader."""
        value = message.value
        if type(message) is UnreadMessage:
            return False
        if value is None:
            self.skipped += 1
            return True
        if not value:
            return False
        framed = value[0] == FRAMED_FIRST_BYTE
        if not framed and (self._mapping is None or value[0] != JSON_FIRST_BYTE):
            return False
        try:
            self._add(builder, message, pack_row, self._framed(value) if framed else _json(value))
        except BadMessage as exc:
            builder.rejects.append(Reject(message, Fault(exc.index, exc.reason, exc.detail)))
        return True

    def _framed(self, value: bytes) -> Any:
        if self._codec_of is None:
            raise BadMessage("schema", NO_REGISTRY)
        if len(value) < FRAME_BYTES:
            raise BadMessage("unreadable", f"{len(value)} bytes; a framing with its schema's id has {FRAME_BYTES}")
        return self._codec_of(int.from_bytes(value[1:FRAME_BYTES], "big")).decode(value)

    def _add(self, builder: RecordsBuilder, message: RawMessage, pack_row: PackRow, found: Any) -> None:
        if self._mapping is None:
            self._add_own_shape(builder, message, pack_row, found)
            return
        record = unwrap(found) if self._mapping.unwrap else found
        if record is None:
            self.skipped += 1
            return
        schema = builder.schema
        if self._paths is None or self._paths.schema is not schema:
            self._paths = FeaturePaths(self._mapping, schema, builder.versions.defaults if builder.versions else {})
        values = self._paths.values(record)
        texts = self._paths.texts(record)
        packed = _packed(values, pack_row, texts) if schema.plain else None
        if packed is not None:
            builder.add_one(message, packed, texts)
            return
        given = {"features": self._paths.checked(values), **_given(texts)}
        builder.add_rows(message, read_message(given, schema))

    def _add_own_shape(self, builder: RecordsBuilder, message: RawMessage, pack_row: PackRow, found: Any) -> None:
        """Add the records of a framed message whose fields are those of Relearn's own messages."""
        if found is None:
            self.skipped += 1
            return
        if not isinstance(found, dict):
            raise BadMessage("invalid", f"the message should be a map, is {kind_of(found)}")
        features = found.get("features")
        schema = builder.schema
        one = found.get("n") is None and "schema" not in found
        if schema.plain and one and type(features) is list and len(features) == len(schema):
            texts = MappedTexts(*(found.get(name) for name in ("id", "subject", "batch", "context")))
            packed = _packed(features, pack_row, texts)
            if packed is not None:
                builder.add_one(message, packed, texts)
                return
        builder.add_rows(message, read_message(found, schema, builder.versions))


def _json(value: bytes) -> Any:
    if len(value) >= WEIGHED_FROM_BYTES:
        check_weight(value)
    return json_object(value)


def _packed(values: Sequence[Any], pack_row: PackRow, texts: MappedTexts) -> bytes | None:
    """The features packed; None if a value is no number, or a text has a fault."""
    if (
        text_fault(texts.id)
        or text_fault(texts.subject)
        or text_fault(texts.batch)
        or text_fault(texts.context, MAX_CONTEXT_BYTES)
    ):
        return None
    try:
        return pack_row(*values)
    except (struct.error, TypeError, OverflowError):
        return None


def _given(texts: MappedTexts) -> dict[str, Any]:
    return {"id": texts.id, "subject": texts.subject, "batch": texts.batch, "context": texts.context}
