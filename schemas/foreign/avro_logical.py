"""Logical types of Avro: what a value means beyond the type in which it is stored. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from relearn.schemas.foreign.values import NoNumber

Read = Callable[[bytes, int], tuple[Any, int]]
"""The value that begins at a position, and the position after it."""

SCALE_MAX = 300
_DECIMAL_MAX_BYTES = 64
#: By the first part of the logical type's name.
_TIMES = {
    "date": "a date",
    "time": "a time",
    "timestamp": "a timestamp",
    "local": "a timestamp",
    "duration": "a duration",
}


def logical_reader(read: Read, schema: Mapping[str, Any]) -> Read:
    """Decimals are numbers; a date, a time and a duration are values that are no numbers. Others are as stored."""
    logical = schema["logicalType"]
    kind = _TIMES.get(logical.partition("-")[0])
    if logical == "decimal" and schema["type"] in ("bytes", "fixed"):
        divisor = 10 ** schema.get("scale", 0)

        def convert(value: Any) -> Any:
            if len(value) > _DECIMAL_MAX_BYTES:
                return NoNumber(f"a decimal of {len(value)} bytes")
            return int.from_bytes(value, "big", signed=True) / divisor

    elif kind is not None:

        def convert(value: Any) -> Any:
            return NoNumber(kind)

    else:
        return read

    def read_logical(data: bytes, at: int) -> tuple[Any, int]:
        value, at = read(data, at)
        return convert(value), at

    return read_logical
