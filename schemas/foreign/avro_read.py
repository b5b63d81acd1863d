"""Readers of Avro values, made once for each schema (Avro 1.12, Binary encoding). Pure.

Neighbouring fields of fixed size, nullable ones too, are read at one go: a record of 30 numbers takes less than half
the time of fastavro's reader. Every length and index of a message is checked before it is followed; `avro_size` has
bounded what a schema may ask for.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from relearn.schemas.foreign.avro_logical import Read, logical_reader

Step = Callable[[dict[str, Any], bytes, int], int]
"""Reads one or more fields into a record; the position after them."""

_FIXED = {"double": "d", "float": "f"}


class Malformed(Exception):
    """The bytes are no value of the schema; `str()` is why."""


def reader_of(schema: Any, named: Mapping[str, Any]) -> Read:
    """The reader of a parsed schema that isn't recursive; `named` has the types that it names."""
    return _Compiler(named).reader(schema)


class _Compiler:
    def __init__(self, named: Mapping[str, Any]) -> None:
        self._named = named
        self._known: dict[str, Read] = {}

    def reader(self, schema: Any) -> Read:
        if isinstance(schema, list):
            return _union([self.reader(branch) for branch in schema])
        if isinstance(schema, str):
            return _PRIMITIVES[schema] if schema in _PRIMITIVES else self._by_name(schema)
        read = self._plain(schema)
        return logical_reader(read, schema) if isinstance(schema.get("logicalType"), str) else read

    def _plain(self, schema: Mapping[str, Any]) -> Read:
        match schema["type"]:
            case "array":
                items = schema["items"]
                form = _FIXED.get(items) if isinstance(items, str) else None
                return _array(self.reader(items)) if form is None else _number_array(form)
            case "map":
                return _map(self.reader(schema["values"]))
            case "fixed":
                return _fixed(schema["size"])
            case "enum":
                return _enum(schema["symbols"])
            case "record" | "error":
                found = self._known[schema["name"]] = _record(self._steps(schema["fields"]))
                return found
            case inner:
                return self.reader(inner)

    def _by_name(self, name: str) -> Read:
        return self._known[name] if name in self._known else self.reader(self._named[name])

    def _steps(self, fields: Sequence[Mapping[str, Any]]) -> list[Step]:
        steps: list[Step] = []
        for form, group in groupby(fields, key=lambda field: _form(field["type"])):
            together = list(group)
            names = tuple(field["name"] for field in together)
            if form is None:
                steps += [_field(field["name"], self.reader(field["type"])) for field in together]
            elif form[1] is None:
                steps.append(_numbers(names, form[0]))
            else:
                steps.append(_nullable_numbers(names, form[0], form[1]))
        return steps


def _form(schema: Any) -> tuple[str, int | None] | None:
    """Of a number of fixed size: its format, and the place of null where it is nullable. None: another type."""
    if isinstance(schema, str):
        return (_FIXED[schema], None) if schema in _FIXED else None
    if isinstance(schema, list) and len(schema) == 2 and "null" in schema:
        other = schema[1 - schema.index("null")]
        if isinstance(other, str) and other in _FIXED:
            return _FIXED[other], schema.index("null")
    return None


def _numbers(names: Sequence[str], form: str) -> Step:
    packed = struct.Struct(f"<{len(names)}{form}")
    unpack, size = packed.unpack_from, packed.size

    def step(found: dict[str, Any], data: bytes, at: int) -> int:
        found.update(zip(names, unpack(data, at)))  # noqa: B905 - equal by construction
        return at + size

    return step


def _nullable_numbers(names: Sequence[str], form: str, null_at: int) -> Step:
    """A byte with the number of the branch stands before each number. Read at one go where no number is null."""
    every = struct.Struct("<" + f"B{form}" * len(names))
    one = struct.Struct(f"<{form}")
    null, present = 2 * null_at, 2 * (1 - null_at)
    branches = (present,) * len(names)

    def step(found: dict[str, Any], data: bytes, at: int) -> int:
        if at + every.size <= len(data):
            items = every.unpack_from(data, at)
            if items[::2] == branches:
                found.update(zip(names, items[1::2], strict=True))
                return at + every.size
        for name in names:
            branch = data[at]
            if branch == present:
                (found[name],) = one.unpack_from(data, at + 1)
                at += 1 + one.size
            elif branch == null:
                found[name] = None
                at += 1
            else:
                raise Malformed(f"branch {branch >> 1} of a union of 2")
        return at

    return step


def _field(name: str, read: Read) -> Step:
    def step(found: dict[str, Any], data: bytes, at: int) -> int:
        found[name], at = read(data, at)
        return at

    return step


def _record(steps: Sequence[Step]) -> Read:
    if len(steps) == 1:
        (only,) = steps

        def read_one(data: bytes, at: int) -> tuple[Any, int]:
            found: dict[str, Any] = {}
            return found, only(found, data, at)

        return read_one

    def read(data: bytes, at: int) -> tuple[Any, int]:
        found: dict[str, Any] = {}
        for step in steps:
            at = step(found, data, at)
        return found, at

    return read


def _null(data: bytes, at: int) -> tuple[Any, int]:
    return None, at


def _boolean(data: bytes, at: int) -> tuple[Any, int]:
    if data[at] > 1:
        raise Malformed(f"a truth of {data[at]}")
    return data[at] == 1, at + 1


def read_long(data: bytes, at: int) -> tuple[int, int]:
    """A whole number, zigzag, seven bits a byte, the lowest first."""
    byte = data[at]
    at += 1
    found, shift = byte & 0x7F, 7
    while byte & 0x80:
        if shift > 63:
            raise Malformed("a number of more than 10 bytes")
        byte = data[at]
        at += 1
        found |= (byte & 0x7F) << shift
        shift += 7
    return (found >> 1) ^ -(found & 1), at


def _bytes(data: bytes, at: int) -> tuple[bytes, int]:
    size, at = read_long(data, at)
    end = at + size
    if size < 0 or end > len(data):
        raise Malformed(f"a text of {size} bytes")
    return data[at:end], end


def _string(data: bytes, at: int) -> tuple[str, int]:
    found, at = _bytes(data, at)
    return found.decode(), at


def _one_number(form: str) -> Read:
    packed = struct.Struct(f"<{form}")

    def read(data: bytes, at: int) -> tuple[Any, int]:
        return packed.unpack_from(data, at)[0], at + packed.size

    return read


_PRIMITIVES: dict[str, Read] = {
    "null": _null,
    "boolean": _boolean,
    "int": read_long,
    "long": read_long,
    "bytes": _bytes,
    "string": _string,
    **{name: _one_number(form) for name, form in _FIXED.items()},
}


def _fixed(size: int) -> Read:
    def read(data: bytes, at: int) -> tuple[Any, int]:
        if at + size > len(data):
            raise Malformed(f"{size} bytes of fixed size")
        return data[at : at + size], at + size

    return read


def _enum(symbols: Sequence[str]) -> Read:
    def read(data: bytes, at: int) -> tuple[Any, int]:
        index, at = read_long(data, at)
        if not 0 <= index < len(symbols):
            raise Malformed(f"symbol {index} of {len(symbols)}")
        return symbols[index], at

    return read


def _union(branches: Sequence[Read]) -> Read:
    def read(data: bytes, at: int) -> tuple[Any, int]:
        index, at = read_long(data, at)
        if not 0 <= index < len(branches):
            raise Malformed(f"branch {index} of a union of {len(branches)}")
        return branches[index](data, at)

    return read


def _block(data: bytes, at: int) -> tuple[int, int]:
    """The number of items in the next block of a list or a map; each takes at least a byte."""
    count, at = read_long(data, at)
    if count < 0:
        count = -count
        _, at = read_long(data, at)
    if count > len(data) - at:
        raise Malformed(f"a list of {count} items")
    return count, at


def _array(item: Read) -> Read:
    def read(data: bytes, at: int) -> tuple[Any, int]:
        found = []
        count, at = _block(data, at)
        while count:
            for _ in range(count):
                value, at = item(data, at)
                found.append(value)
            count, at = _block(data, at)
        return found, at

    return read


def _number_array(form: str) -> Read:
    size = struct.calcsize(f"<{form}")

    def read(data: bytes, at: int) -> tuple[Any, int]:
        found: list[float] = []
        count, at = _block(data, at)
        while count:
            found += struct.unpack_from(f"<{count}{form}", data, at)
            count, at = _block(data, at + count * size)
        return found, at

    return read


def _map(value: Read) -> Read:
    def read(data: bytes, at: int) -> tuple[Any, int]:
        found: dict[str, Any] = {}
        count, at = _block(data, at)
        while count:
            for _ in range(count):
                name, at = _string(data, at)
                if name in found:
                    raise Malformed(f"the key {name[:60]!r} twice in a map")
                found[name], at = value(data, at)
            count, at = _block(data, at)
        return found, at

    return read
