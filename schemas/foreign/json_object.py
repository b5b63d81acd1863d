"""JSON text into Python objects, fast, without losing sight of a key that is given twice. Pure."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from relearn.schemas.errors import BadMessage
from relearn.schemas.foreign.frame import FRAME_BYTES
from relearn.schemas.messages.ingest_faults import parse, shown_names
from relearn.schemas.messages.weight import WEIGHED_FROM_BYTES, check_weight, is_json

_decode = msgspec.json.Decoder().decode


def json_object(value: bytes) -> Any:
    """The Python objects in `value`, which begins with `{`.

    Raises:
        BadMessage: with reason `unreadable` (no JSON), or `names` (a key is given twice in one object).
    """
    try:
        found = _decode(value)
        if b"\\u00" not in value and _colons(found) == value.count(b":"):
            return found
    except (ValueError, RecursionError):
        pass  # the slower parser reads it, or names the fault
    return parse(value, _without_doubles)


class JsonCodec:
    """Decodes framed JSON. Its schema is not applied: what is read of a message is checked where it is read."""

    def decode(self, value: bytes) -> Any:
        """The Python objects in a framed message.

        Raises:
            BadMessage: with reason `unreadable`, `names` or `too-large`.
        """
        text = value[FRAME_BYTES:].lstrip(b" \t\r\n")
        if not is_json(text):
            raise BadMessage("unreadable", "framed JSON that isn't an object")
        if len(text) >= WEIGHED_FROM_BYTES:
            check_weight(text)
        return json_object(text)


def _without_doubles(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = sorted(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise BadMessage("names", f"given twice: {shown_names(twice)}")
    return found


def _colons(found: Any) -> int:
    """The colons that `found` has as JSON, if none is escaped: one per pair, and those in its texts.

    The JSON text has more of them where the decoder dropped a pair, because its key came again.
    """
    count, left = 0, [found]
    while left:
        item = left.pop()
        kind = type(item)
        if kind is dict:
            count += len(item)
            for key in item:
                if ":" in key:
                    count += key.count(":")
            left.extend(item.values())
        elif kind is list:
            left.extend(item)
        elif kind is str and ":" in item:
            count += item.count(":")
    return count
