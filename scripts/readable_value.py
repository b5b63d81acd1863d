"""A message's bytes for a person's eyes: the map in it where there is one, else a hex dump; never very long."""

from __future__ import annotations

import json
import struct
from typing import Any

from scripts.cut_out import cut_out, readable

LONGEST = 3000
_HEX_BYTES = 512
_LIST_ITEMS = 100


def as_text(value: bytes | None, index: int, reason: str) -> str:
    """The record at fault of a message, or the message where the fault is the message's."""
    if value is None:
        return "the message has no value"
    one = cut_out(value, index, reason)
    what = "value" if one is None else f"record {index} of the value"
    found = readable(value if one is None else one)
    if found is None:
        return f"value, {len(value):,} bytes, neither MessagePack nor JSON:\n{hex_dump(value)}"
    text = json.dumps(_plain(found), indent=2, ensure_ascii=False)
    shown = text if len(text) <= LONGEST else text[:LONGEST] + "\n… cut here; --json shows all of it"
    return f"{what}, {len(value):,} bytes:\n{printable(shown)}"


def as_json(value: bytes | None, index: int, reason: str) -> Any:
    """The same for programs, uncut: `{"hex": …}` where it can't be read."""
    if value is None:
        return None
    found = readable(cut_out(value, index, reason) or value)
    return {"hex": value.hex()} if found is None else _utf8(_plain(found, limit=None))


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


def _plain(item: Any, limit: int | None = _LIST_ITEMS) -> Any:
    """What JSON can write: packed numbers as a list, other bytes as hex, long lists cut."""
    if isinstance(item, dict):
        return {str(key): _plain(inner, limit) for key, inner in item.items()}
    if isinstance(item, list):
        more = [f"… {len(item) - limit:,} more"] if limit is not None and len(item) > limit else []
        return [_plain(inner, limit) for inner in item[:limit]] + more
    if isinstance(item, bytes):
        if item and len(item) % 8 == 0:
            return _plain(list(struct.unpack(f"<{len(item) // 8}d", item)), limit)
        return {"hex": item.hex()}
    return item if item is None or isinstance(item, str | int | float | bool) else repr(item)


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
    """Nothing that a terminal would obey, nothing that can't be written."""
    kept = "".join(char if char.isprintable() or char == "\n" else f"\\x{ord(char):02x}" for char in text)
    return kept.encode("utf-8", "backslashreplace").decode()
