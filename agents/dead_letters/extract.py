"""Extracting one record from a message of many records, valid or not, so that it can be sent again alone. Pure."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import msgpack

from relearn.schemas.errors import BadMessage
from relearn.schemas.messages.ingest_faults import parse
from relearn.schemas.messages.weight import WEIGHED_FROM_BYTES, check_weight, is_json
from relearn.schemas.text import text_fault

#: Reasons that concern the message as a whole, with any index.
WHOLE = frozenset({"empty", "unreadable", "names", "length", "too-large", "quarantined", "schema", "mapping"})
_TEXTS = {"ids": "id", "subjects": "subject", "contexts": "context"}


def extract_record(message: Mapping[Any, Any], value: bytes, index: int, reason: str) -> bytes | None:
    """A single-record message with the record at `index` of `value`; None if `value` itself is to be sent again.

    That is the case if `value` has one record, or if `reason` is a fault of the message instead of a record in it.
    `message` is the map in `value`, as `decode_map` returns it.
    """
    if reason in WHOLE or not _has_rows(message, index):
        return None
    if reason == "dimension" and isinstance(message["features"], bytes):
        return None
    one: dict[str, Any] = {"features": _row(message, index)}
    for many, single in _TEXTS.items():
        if message.get(many) is not None:
            one[single] = message[many][index]
    one["batch"] = message.get("batch")
    one["schema"] = message.get("schema")
    given = {key: item for key, item in one.items() if key == "features" or item is not None}
    if is_json(value):
        return json.dumps(given).encode("utf-8", "surrogateescape")
    return bytes(msgpack.packb(given, unicode_errors="surrogateescape"))


def decode_map(value: bytes) -> dict[Any, Any] | None:
    """The map in a message, MessagePack or JSON; None if there is none, or one that takes too much memory."""
    try:
        if len(value) >= WEIGHED_FROM_BYTES:
            check_weight(value)
        found = parse(value)
    except (BadMessage, TypeError):  # the second: a map with a key that can't be one in Python
        return None
    return found if isinstance(found, dict) else None


def _has_rows(message: Mapping[Any, Any], index: int) -> bool:
    """Whether the message has many records in a valid structure, so that the fault is that of one record."""
    n, features, names = message.get("n"), message.get("features"), message.get("names")
    if isinstance(n, bool) or not isinstance(n, int) or not 0 <= index < n:
        return False
    if text_fault(message.get("batch")) or not isinstance(names, list | None):
        return False
    columns = [message.get(name) for name in _TEXTS]
    if any(column is not None and not (isinstance(column, list) and len(column) == n) for column in columns):
        return False
    if isinstance(features, bytes):
        return len(features) % (8 * n) == 0
    return isinstance(features, list) and len(features) == n


def _row(message: Mapping[Any, Any], index: int) -> Any:
    """The record's features, by name where the message has names that fit."""
    n, features, names = message["n"], message["features"], message.get("names")
    if isinstance(features, bytes):
        size = len(features) // n
        packed = features[index * size : (index + 1) * size]
        row: Any = list(struct.unpack(f"<{size // 8}d", packed)) if names else packed
    else:
        row = features[index]
    fits = names and isinstance(row, list) and len(row) == len(names) and all(isinstance(name, str) for name in names)
    return dict(zip(names, row, strict=True)) if fits and names else row
