"""A message's bytes as text for people: the map in it if there is one, else a hex dump; bounded in length."""

from __future__ import annotations

import json
import struct
from collections.abc import Sized
from itertools import islice
from typing import Any

from relearn.agents.dead_letters.extract import decode_map, extract_record
from relearn.schemas.foreign.frame import schema_id_of
from relearn.schemas.messages.dead_letters import Cut

LONGEST = 3000
_HEX_BYTES = 512
_LIST_ITEMS = 100
_MOST_ITEMS = 10_000
_CUT = "…"
#: Maximum nesting. A record has less, and JSON writers can't follow more.
_DEEPEST = 20


def as_text(value: bytes | None, index: int, reason: str) -> str:
    """The record at fault as text, or the message if the fault is that of the message."""
    if value is None:
        return "the message has no value"
    found, cut = _read(value, index, reason)
    what = f"record {index} of the value" if cut else "value"
    if found is None:
        schema_id = schema_id_of(value)
        form = "neither MessagePack nor JSON" if schema_id is None else f"framed, of schema {schema_id}"
        return f"value, {len(value):,} bytes, {form}:\n{hex_dump(value)}"
    text = json.dumps(_Plain(_LIST_ITEMS)(found), indent=2, ensure_ascii=False)
    shown = text if len(text) <= LONGEST else text[:LONGEST] + "\n… cut here; --json shows all of it"
    return f"{what}, {len(value):,} bytes:\n{printable(shown)}"


def as_json(value: bytes | None, index: int, reason: str) -> Any:
    """As `as_text`, as JSON values without a limit: `{"hex": …}` if the value can't be decoded."""
    if value is None:
        return None
    found, _ = _read(value, index, reason)
    return {"hex": value.hex()} if found is None else _utf8(_Plain(None)(found))


def as_short_json(value: bytes | None, index: int, reason: str, *, limit_bytes: int) -> bytes | None:
    """As `as_json`, as JSON text with long lists cut; None if it can't be decoded or is longer than `limit_bytes`."""
    found = None if value is None else _read(value, index, reason)[0]
    if found is None:
        return None
    text = json.dumps(_utf8(_Plain(_LIST_ITEMS)(found)), ensure_ascii=False).encode()
    return text if len(text) <= limit_bytes else None


def _read(value: bytes, index: int, reason: str) -> tuple[dict[Any, Any] | None, bool]:
    """The map to show, and whether it is one record of many."""
    message = decode_map(value)
    one = None if message is None else extract_record(message, value, index, reason)
    return (message, False) if one is None else (decode_map(one), True)


def cut_facts(cut: Cut) -> dict[str, int | str]:
    """What is known of a message of which a dead letter holds a part: sizes in bytes, SHA-256, number of headers."""
    facts = {
        "value_bytes": cut.value_bytes,
        "value_sha256": None if cut.value_sha256 is None else cut.value_sha256.hex(),
        "key_bytes": cut.key_bytes,
        "headers": cut.headers,
    }
    return {name: fact for name, fact in facts.items() if fact is not None}


def hex_dump(value: bytes) -> str:
    """Offset, sixteen bytes in hex, and as characters where they are printable ASCII."""
    lines = []
    for start in range(0, min(len(value), _HEX_BYTES), 16):
        part = value[start : start + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{start:06x}  {part.hex(' '):<47}  {text}")
    if len(value) > _HEX_BYTES:
        lines.append(f"… {len(value) - _HEX_BYTES:,} bytes more")
    return "\n".join(lines)


class _Plain:
    """Converts values to those that JSON has: packed numbers to a list, other bytes to hex. Deep nesting is cut.

    With a `limit`, longer lists, maps and texts are cut, too, and all items after the first MOST_ITEMS.
    """

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._left = _MOST_ITEMS

    def __call__(self, item: Any, depth: int = 0) -> Any:
        """`item`, plain."""
        self._left -= 1
        if self._limit is not None and self._left < 0:
            return _CUT
        if isinstance(item, dict | list | bytes):
            return _CUT if depth == _DEEPEST else self._many(item, depth + 1)
        if isinstance(item, str):
            cut = self._limit is not None and len(item) > LONGEST
            return item[:LONGEST] + _CUT if cut else item
        return item if item is None or isinstance(item, int | float | bool) else repr(item)

    def _many(self, item: dict[Any, Any] | list[Any] | bytes, depth: int) -> Any:
        if isinstance(item, bytes) and (not item or len(item) % 8):
            return {"hex": item[: self._limit].hex(), **self._more(item, "bytes")}
        if isinstance(item, dict):
            shown = islice(item.items(), self._limit)
            return {**{str(key): self(inner, depth) for key, inner in shown}, **self._more(item, "fields")}
        numbers = len(item) // 8 if isinstance(item, bytes) else len(item)
        first = numbers if self._limit is None else min(numbers, self._limit)
        given = list(struct.unpack_from(f"<{first}d", item)) if isinstance(item, bytes) else item[:first]
        more = [f"{_CUT} {numbers - first:,} more"] if numbers > first else []
        return [self(inner, depth) for inner in given] + more

    def _more(self, item: Sized, what: str) -> dict[str, str]:
        cut = self._limit is not None and len(item) > self._limit
        return {_CUT: f"{len(item):,} {what} in all"} if cut else {}


def _utf8(item: Any) -> Any:
    """The same with text that UTF-8 can write, and numbers that JSON can."""
    if isinstance(item, dict):
        return {_utf8(key): _utf8(inner) for key, inner in item.items()}
    if isinstance(item, list):
        return [_utf8(inner) for inner in item]
    if isinstance(item, float) and item - item != 0:
        return str(item)
    return printable(item) if isinstance(item, str) else item


def printable(text: str) -> str:
    """`text` without control characters and without characters that UTF-8 can't encode."""
    kept = "".join(char if char.isprintable() or char == "\n" else f"\\x{ord(char):02x}" for char in text)
    return kept.encode("utf-8", "backslashreplace").decode()
