"""Decoding of a chunk of ingest messages, fast where they are well-formed.

A typed decoder reads well-formed messages by position. `schemas.messages.ingest_faults` reads every message that the
typed decoder rejects, and every message by name: slower, item by item, it names each fault and keeps the good records.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence

import msgspec
import numpy as np

from relearn.schemas.errors import BadMessage
from relearn.schemas.messages.ingest import ManyRecords, OneRecord
from relearn.schemas.messages.ingest_faults import read_with_faults
from relearn.schemas.messages.records import Fault, RawMessage, Records, RecordsBuilder, Reject, Rows
from relearn.schemas.text import MAX_CONTEXT_BYTES, MAX_TEXT_BYTES, text_fault

_one_packed = msgspec.msgpack.Decoder(OneRecord).decode
_one_json = msgspec.json.Decoder(OneRecord).decode
_many_packed = msgspec.msgpack.Decoder(ManyRecords).decode
_many_json = msgspec.json.Decoder(ManyRecords).decode

_BRACE = 0x7B


def decode_chunk(messages: Iterable[RawMessage], feature_names: Sequence[str]) -> tuple[Records, list[Reject]]:
    """All records of a chunk in columns, and those that can't be scored.

    Never raises for what a message holds: every record of every message is in exactly one of the two results.
    """
    builder = RecordsBuilder(feature_names)
    d = len(feature_names)
    pack_row = struct.Struct(f"<{d}d").pack
    for message in messages:
        value = message.value
        if not value:
            builder.rejects.append(Reject(message, Fault(0, "empty", "the message has no value")))
            continue
        if _add_single(builder, message, value, d, pack_row):
            continue
        try:
            rows = _read_many(value, d) or read_with_faults(value, feature_names)
        except BadMessage as exc:
            builder.rejects.append(Reject(message, Fault(exc.index, exc.reason, exc.detail)))
            continue
        builder.add_rows(message, rows)
    return builder.finish()


def _add_single(
    builder: RecordsBuilder, message: RawMessage, value: bytes, d: int, pack_row: Callable[..., bytes]
) -> bool:
    """Add a well-formed single record given by position; False where the message is anything else."""
    try:
        one = _one_json(value) if value[0] == _BRACE else _one_packed(value)
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
    """The rows of a well-formed many-record message given by position; None where it is anything else."""
    try:
        many = _many_json(value) if value[0] == _BRACE else _many_packed(value)
    except (ValueError, RecursionError):
        return None
    n = many.n
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
