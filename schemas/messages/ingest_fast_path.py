"""Decoding of a chunk of ingest messages, fast where they are well-formed.

A typed decoder reads well-formed messages by position. `schemas.messages.ingest_faults` reads every message that the
typed decoder rejects, and every message by name: slower, item by item, it names each fault and keeps the good records.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import msgspec
import numpy as np

from relearn.schemas.errors import BadMessage
from relearn.schemas.messages.ingest import ManyRecords, OneRecord
from relearn.schemas.messages.ingest_faults import check_size, read_with_faults
from relearn.schemas.messages.records import Fault, RawMessage, Records, RecordsBuilder, Reject, Rows, UnreadMessage
from relearn.schemas.messages.weight import JSON_FIRST_BYTE, WEIGHED_FROM_BYTES, check_weight
from relearn.schemas.text import MAX_CONTEXT_BYTES, MAX_TEXT_BYTES, text_fault

_one_packed = msgspec.msgpack.Decoder(OneRecord).decode
_one_json = msgspec.json.Decoder(OneRecord).decode
_many_packed = msgspec.msgpack.Decoder(ManyRecords).decode
_many_json = msgspec.json.Decoder(ManyRecords).decode

#: Records and faults of one part: what is decoded at a time beside the messages themselves.
PART_RECORDS = 65_536


class ForeignMessages(Protocol):
    """Reads messages of other shapes than Relearn's own (`schemas.foreign.reader`)."""

    def add(self, builder: RecordsBuilder, message: RawMessage, pack_row: Callable[..., bytes]) -> bool:
        """Add the record of one message, or its fault. False: the message is none of those."""
        ...


def decode_parts(
    messages: Iterable[RawMessage], feature_names: Sequence[str], foreign: ForeignMessages | None = None
) -> Iterator[tuple[Records, list[Reject]]]:
    """All records of a chunk in columns, and those that can't be scored, in parts.

    `foreign` reads what is not of a form of Relearn's own, where a mapping or a schema registry is set.

    Each part ends with the message that brings it to PART_RECORDS records or more. Never raises for what a message
    holds: every record of every message is in exactly one of the two results of one part.
    """
    pack_row = _row_packer(feature_names)
    builder = RecordsBuilder(feature_names)
    for message in messages:
        if foreign is None or not foreign.add(builder, message, pack_row):
            _add(builder, message, pack_row)
        if len(builder.indexes) + len(builder.rejects) >= PART_RECORDS:
            yield builder.finish()
            builder = RecordsBuilder(feature_names)
    if builder.indexes or builder.rejects:
        yield builder.finish()


def _row_packer(feature_names: Sequence[str]) -> Callable[..., bytes]:
    return struct.Struct(f"<{len(feature_names)}d").pack


def _add(builder: RecordsBuilder, message: RawMessage, pack_row: Callable[..., bytes]) -> None:
    """Add the records of one message, or its faults."""
    value, d = message.value, len(builder.feature_names)
    if type(message) is UnreadMessage:
        builder.rejects.append(Reject(message, message.fault))
        return
    if not value:
        builder.rejects.append(Reject(message, Fault(0, "empty", "the message has no value")))
        return
    try:
        if len(value) >= WEIGHED_FROM_BYTES:
            check_weight(value)
        if _add_single(builder, message, value, d, pack_row):
            return
        builder.add_rows(message, _read_many(value, d) or read_with_faults(value, builder.feature_names))
    except BadMessage as exc:
        builder.rejects.append(Reject(message, Fault(exc.index, exc.reason, exc.detail)))


def _add_single(
    builder: RecordsBuilder, message: RawMessage, value: bytes, d: int, pack_row: Callable[..., bytes]
) -> bool:
    """Add a well-formed single record given by position; False where the message is anything else."""
    try:
        one = _one_json(value) if value[0] == JSON_FIRST_BYTE else _one_packed(value)
    except (ValueError, RecursionError):
        return False
    features = one.features
    if one.n is not None or len(features) != (d if type(features) is list else 8 * d):
        return False
    if (
        text_fault(one.id)
        or text_fault(one.subject)
        or text_fault(one.batch)
        or text_fault(one.context, MAX_CONTEXT_BYTES)
    ):
        return False
    packed = features if isinstance(features, bytes) else pack_row(*features)
    builder.add_one(message, packed, one)
    return True


def _read_many(value: bytes, d: int) -> Rows | None:
    """The rows of a well-formed many-record message given by position; None where it is anything else.

    Raises:
        BadMessage: with reason `too-large`.
    """
    try:
        many = _many_json(value) if value[0] == JSON_FIRST_BYTE else _many_packed(value)
    except (ValueError, RecursionError):
        return None
    n = many.n
    if n > 0:
        check_size(n, d)
    if n < 1 or many.names is not None or text_fault(many.batch):
        return None
    nothing: list[str | None] = [None] * min(n, len(value))
    columns = [many.ids or nothing, many.subjects or nothing, many.contexts or nothing]
    if any(len(column) != n for column in columns):
        return None
    limits = (MAX_TEXT_BYTES, MAX_TEXT_BYTES, MAX_CONTEXT_BYTES)
    if any(text_fault(item, limit) for column, limit in zip(columns, limits, strict=True) for item in column):
        return None
    packed = _matrix_bytes(many.features, n, d)
    return None if packed is None else Rows(packed, range(n), columns[0], columns[1], columns[2], many.batch, ())


def _matrix_bytes(features: bytes | list[list[float]], n: int, d: int) -> bytes | None:
    if isinstance(features, bytes):
        return features if len(features) == n * d * 8 else None
    if len(features) != n or any(len(row) != d for row in features):
        return None
    return np.array(features, dtype="<f8").tobytes()
