"""The memory that decoding a message by an Avro schema takes at most; schemas without such a bound. Pure.

Each value is one of the number that a schema has at most, or in a list or a map, where each takes at least a byte of
the message. So memory is bounded by a constant and a factor for each byte, both properties of the schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from relearn.schemas.errors import BadMessage
from relearn.schemas.foreign.avro_logical import SCALE_MAX
from relearn.schemas.messages.weight import DECODED_MAX_BYTES

_REFERENCE, _VALUE, _TEXT, _CONTAINER, _PAIR = 8, 32, 57, 72, 104
#: Maximum nesting of a schema, since fastavro follows it in C.
_DEPTH_MAX = 64
_BYTES = {"null": 0, "boolean": 1, "int": 1, "long": 1, "float": 4, "double": 8, "bytes": 1, "string": 1, "enum": 1}


class Size(NamedTuple):
    """Memory of any message: `constant` bytes, and `factor` for each byte of the message."""

    constant: int
    factor: int

    def most_bytes(self, memory: int) -> int:
        """The size of the largest message that takes at most this memory."""
        return (memory - self.constant) // self.factor


class _Part(NamedTuple):
    """A type: the bytes of a message that a value takes at least, its memory without items of lists, its nesting."""

    least_bytes: int
    memory: int
    depth: int = 1


def size_of(schema: Any, named: Mapping[str, Any]) -> Size:
    """The size of messages of a parsed schema; `named` has the types that it names.

    Raises:
        BadMessage: with reason `schema`: it contains itself, or has no bound.
    """
    measure = _Measure(named)
    root = measure.part(schema)
    if root.memory > DECODED_MAX_BYTES:
        raise BadMessage("schema", "each message of its Avro schema would take too much memory")
    return Size(root.memory, measure.factor)


class _Measure:
    def __init__(self, named: Mapping[str, Any]) -> None:
        self._named = named
        self._known: dict[str, _Part] = {}
        self._open: set[str] = set()
        #: A character takes four bytes where one of a text isn't in ASCII.
        self.factor = 4

    def part(self, schema: Any) -> _Part:
        """The part of a type, of which those inside are measured first."""
        found = self._part(schema)
        if found.depth > _DEPTH_MAX:
            raise BadMessage("schema", f"its Avro schema is nested more than {_DEPTH_MAX} deep")
        return found

    def _part(self, schema: Any) -> _Part:
        if isinstance(schema, list):
            parts = [self.part(branch) for branch in schema]
            least = 1 + min((part.least_bytes for part in parts), default=0)
            return _Part(least, max((part.memory for part in parts), default=0), _depth(parts))
        if isinstance(schema, str):
            return self._by_name(schema)
        kind = schema["type"]
        if kind in ("record", "error", "fixed", "enum"):
            return self._whole(schema)
        if kind == "array":
            item = self.part(schema["items"])
            if item.least_bytes == 0:
                raise BadMessage("schema", "its Avro schema has an array whose items take no bytes")
            self._repeated(_REFERENCE + item.memory, item.least_bytes)
            return _Part(1, _CONTAINER, _depth([item]))
        if kind == "map":
            value = self.part(schema["values"])
            self._repeated(_PAIR + _TEXT + value.memory, 1 + value.least_bytes)
            return _Part(1, _CONTAINER, _depth([value]))
        if schema.get("logicalType") == "decimal" and not 0 <= schema.get("scale", 0) <= SCALE_MAX:
            raise BadMessage("schema", f"its Avro schema has a decimal with the scale {str(schema['scale'])[:20]}")
        return self.part(kind)

    def _by_name(self, name: str) -> _Part:
        if name in _BYTES:
            return _Part(_BYTES[name], _TEXT if name in ("bytes", "string") else _VALUE)
        if name in self._open:
            raise BadMessage("schema", f"its Avro schema is recursive: {name[:60]} contains itself")
        return self._known[name] if name in self._known else self._whole(self._named[name])

    def _whole(self, schema: Mapping[str, Any]) -> _Part:
        """A type with a name, which is open while it is measured."""
        name, kind = schema["name"], schema["type"]
        if kind == "fixed":
            if schema["size"] < 0:
                raise BadMessage("schema", f"its Avro schema has a type of {schema['size']} bytes")
            found = _Part(schema["size"], _TEXT + schema["size"])
        elif kind == "enum":
            found = _Part(1, _VALUE)
        else:
            self._open.add(name)
            parts = [self.part(field["type"]) for field in schema["fields"]]
            self._open.discard(name)
            memory = _CONTAINER + sum(_PAIR + part.memory for part in parts)
            found = _Part(sum(part.least_bytes for part in parts), memory, _depth(parts))
        self._known[name] = found
        return found

    def _repeated(self, memory: int, least_bytes: int) -> None:
        self.factor = max(self.factor, -(-memory // least_bytes))


def _depth(parts: list[_Part]) -> int:
    return 1 + max((part.depth for part in parts), default=0)
