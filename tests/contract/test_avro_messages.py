"""Avro as other programs write it: read as fastavro reads it, within bounds, and with a word for what can't be read."""

from __future__ import annotations

import io
import json
import struct
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.schemas.errors import BadMessage
from relearn.schemas.foreign.avro import AvroCodec
from relearn.schemas.foreign.frame import Codec, frame
from relearn.schemas.foreign.mapping import parse_mapping
from relearn.schemas.foreign.reader import ForeignReader
from relearn.schemas.messages.records import Records, Reject
from tests.support.data.messages import FakeMessage, decode_chunk

MiB = 2**20


def record(*types: Any, name: str = "R") -> dict[str, Any]:
    """A record whose fields are f0, f1, …."""
    return {"type": "record", "name": name, "fields": [{"name": f"f{i}", "type": one} for i, one in enumerate(types)]}


def number(value: int) -> bytes:
    """A whole number as Avro writes it."""
    body = io.BytesIO()
    fastavro.schemaless_writer(body, "long", value)
    return body.getvalue()


def written(schema: Any, value: Any) -> bytes:
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(schema), value)
    return frame(1, body.getvalue())


PRIMITIVES = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32, allow_nan=False),
    "double": st.floats(allow_nan=False),
    "bytes": st.binary(max_size=5),
    "string": st.text(max_size=5),
}
Typed = tuple[Any, st.SearchStrategy[Any]]


@st.composite
def typed(draw: st.DrawFn, depth: int = 3) -> Typed:  # noqa: PLR0911 - one for each type
    """A schema without names that come twice, and the values that it has."""
    kinds = ["primitive", "nullable", "run", "numbers"] + (["record", "array", "map", "enum", "fixed"] if depth else [])
    name = f"N{draw(st.uuids(version=4)).hex}"
    match draw(st.sampled_from(kinds)):
        case "primitive":
            kind = draw(st.sampled_from(sorted(PRIMITIVES)))
            return kind, PRIMITIVES[kind]
        case "nullable":
            kind = draw(st.sampled_from(["double", "float", "string", "long"]))
            return draw(st.permutations([kind, "null"])), st.none() | PRIMITIVES[kind]
        case "run":
            kind = draw(st.sampled_from(["double", ["null", "double"], ["float", "null"]]))
            values = PRIMITIVES["float"] if kind != ["null", "double"] else st.none() | PRIMITIVES["double"]
            count = draw(st.integers(1, 6))
            return record(*[kind] * count, name=name), st.fixed_dictionaries({f"f{i}": values for i in range(count)})
        case "record":
            parts = draw(st.lists(typed(depth - 1), max_size=4))
            fields = {f"f{i}": values for i, (_, values) in enumerate(parts)}
            return record(*(schema for schema, _ in parts), name=name), st.fixed_dictionaries(fields)
        case "array":
            schema, values = draw(typed(depth - 1).filter(lambda found: found[0] != "null"))
            return {"type": "array", "items": record("int", schema, name=name)}, st.lists(
                st.fixed_dictionaries({"f0": PRIMITIVES["int"], "f1": values}), max_size=3
            )
        case "numbers":
            kind = draw(st.sampled_from(["double", "float", "long"]))
            return {"type": "array", "items": kind}, st.lists(PRIMITIVES[kind], max_size=5)
        case "map":
            schema, values = draw(typed(depth - 1))
            return {"type": "map", "values": schema}, st.dictionaries(st.text(max_size=3), values, max_size=3)
        case "enum":
            return {"type": "enum", "name": name, "symbols": ["A", "B"]}, st.sampled_from(["A", "B"])
        case _:
            return {"type": "fixed", "name": name, "size": 3}, st.binary(min_size=3, max_size=3)


@given(typed(), st.data())
def test_every_message_is_read_as_fastavro_reads_it(found: Typed, data: st.DataObject) -> None:
    schema, values = found
    message = written(schema, data.draw(values))
    expected = fastavro.schemaless_reader(io.BytesIO(message[5:]), fastavro.parse_schema(schema), None)
    assert AvroCodec(json.dumps(schema)).decode(message) == expected


WILD = record(
    "double",
    ["null", "string", {"type": "array", "items": ["null", "long", "string"]}],
    {"type": "map", "values": record({"type": "enum", "name": "E", "symbols": ["A", "B"]}, "double", name="K")},
    {"type": "fixed", "name": "F", "size": 3},
    ["null", "double"],
    ["null", "double"],
)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_unreadable(body: bytes) -> None:
    codec = AvroCodec(json.dumps(WILD))
    try:
        codec.decode(frame(1, body))
    except BadMessage as exc:
        assert exc.reason == "unreadable"


BAD_SCHEMAS = {
    "no JSON": ("rubbish", "can't be read"),
    "a number": ("7", "can't be read"),
    "nothing": ("{}", "can't be read"),
    "an unknown type": (record("what"), "can't be read"),
    "deep": ("[" * 100_000, "can't be read"),
    "deep types": ('{"type":' * 5000 + '"int"' + "}" * 5000, "can't be read"),
    "recursive": (record(["null", "R"]), "recursive: R contains itself"),
    "recursive at once": (record("R"), "recursive: R contains itself"),
    "recursive by a list": (record({"type": "array", "items": "R"}), "recursive: R contains itself"),
    "items without bytes": (record({"type": "array", "items": "null"}), "items take no bytes"),
    "items of nothing": (record({"type": "array", "items": record("null", "null", name="Q")}), "items take no bytes"),
    "a chain": (
        record(*(record(*([f"T{i - 1}"] if i else []), name=f"T{i}") for i in range(100))),
        "nested more than 64 deep",
    ),
    "twice of twice": (
        record(*(record(*([f"T{i - 1}"] * 2 if i else []), name=f"T{i}") for i in range(50))),
        "too much memory",
    ),
    "a huge type": (record({"type": "fixed", "name": "F", "size": 10**12}), "too much memory"),
    "a negative size": (record({"type": "fixed", "name": "F", "size": -1}), "a type of -1 bytes"),
    "a decimal of a great scale": (
        record({"type": "bytes", "logicalType": "decimal", "precision": 10**9, "scale": 10**9}),
        "a decimal with the scale 1000000000",
    ),
}


@pytest.mark.parametrize(("schema", "text"), BAD_SCHEMAS.values(), ids=BAD_SCHEMAS)
def test_a_schema_without_bounds_is_refused(schema: Any, text: str) -> None:
    with pytest.raises(BadMessage, match=text) as raised:
        AvroCodec(schema if isinstance(schema, str) else json.dumps(schema))
    assert raised.value.reason == "schema"


HOSTILE = {
    "truncated": (record("double", "long"), b"123", "ends within a value"),
    "a text of 2 GB": (record("string"), number(2**31) + b"abc", "a text of 2147483648 bytes"),
    "a text of -5": (record("string"), number(-5) + b"abc", "a text of -5 bytes"),
    "a billion items": (
        record({"type": "array", "items": "double"}),
        number(10**9) + b"x",
        "a list of 1000000000 items",
    ),
    "a billion pairs": (record({"type": "map", "values": "null"}), number(10**9) + b"x", "a list of 1000000000 items"),
    "blocks without end": (record({"type": "array", "items": "long"}), number(-(2**62)) + number(4), "a list of"),
    "a branch that isn't there": (record(["null", "long"]), b"\x08", "branch 4 of a union of 2"),
    "a symbol that isn't there": (record({"type": "enum", "name": "E", "symbols": ["A"]}), b"\x01", "symbol -1 of 1"),
    "not UTF-8": (record("string"), number(2) + b"\xff\xfe", "'utf-8' codec"),
    "an endless number": (record("long"), b"\xff" * 30 + b"\1", "more than 10 bytes"),
    "bytes left over": (record("long"), b"\2\2", "1 bytes are left over"),
    "a key twice": (record({"type": "map", "values": "null"}), number(2) + b"\2k\2k\0", "twice in a map"),
}


@pytest.mark.parametrize(("schema", "body", "text"), HOSTILE.values(), ids=HOSTILE)
def test_what_a_message_claims_is_checked_before_it_is_followed(schema: Any, body: bytes, text: str) -> None:
    with pytest.raises(BadMessage, match=text) as raised:
        AvroCodec(json.dumps(schema)).decode(frame(1, body))
    assert raised.value.reason == "unreadable"


def test_a_message_that_would_take_too_much_memory_is_not_decoded() -> None:
    """An item of one byte has a hundred fields that take none; large texts are only as large as they are."""
    heavy = AvroCodec(json.dumps(record({"type": "array", "items": record("boolean", *["null"] * 99, name="Q")})))
    assert len(heavy.decode(frame(1, number(1000) + b"\1" * 1000 + b"\0"))["f0"]) == 1000
    with pytest.raises(BadMessage, match="may take more than 40 MiB") as raised:
        heavy.decode(frame(1, number(100_000) + b"\1" * 100_000 + b"\0"))
    assert raised.value.reason == "too-large"
    plain = AvroCodec(json.dumps(record("string")))
    assert len(plain.decode(frame(1, number(8 * MiB) + b"x" * 8 * MiB))["f0"]) == 8 * MiB


LOGICAL: dict[str, tuple[Any, bytes, Any]] = {
    "a decimal": ({"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}, b"\4\1\0", 2.56),
    "a negative decimal": (
        {"type": "fixed", "name": "D", "size": 2, "logicalType": "decimal", "precision": 4, "scale": 2},
        b"\xff\x9c",
        -1.0,
    ),
    "a truth": ("boolean", b"\1", 1.0),
    "an int": ("int", number(-3), -3.0),
    "a float": ("float", struct.pack("<f", 0.5), 0.5),
    "a union": (["string", "int", "double"], b"\2" + number(7), 7.0),
    "a text of a union": (["string", "int"], b"\0" + number(1) + b"x", "f0 is a text"),
    "a date": ({"type": "int", "logicalType": "date"}, number(19_000), "f0 is a date"),
    "a time": ({"type": "int", "logicalType": "time-millis"}, number(1), "f0 is a time"),
    "a timestamp out of range": (
        {"type": "long", "logicalType": "timestamp-micros"},
        number(2**62),
        "f0 is a timestamp",
    ),
    "a decimal of 200 kB": (
        {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
        number(200_000) + b"\1" * 200_000,
        "f0 is a decimal of 200000 bytes",
    ),
    "null": (["null", "double"], b"\0", "f0 is null"),
    "bytes": ("bytes", b"\2x", "f0 is bytes"),
    "a symbol": ({"type": "enum", "name": "E", "symbols": ["A"]}, b"\0", "f0 is a text"),
}


def read(codec: Codec, *values: bytes, mapping: str | None = "", names: tuple[str, ...] = ("a",)) -> Any:
    text = '[features]\na = "f0"' + (mapping or "")
    reader = ForeignReader(None if mapping is None else parse_mapping(text, "M"), lambda schema_id: codec)
    return decode_chunk([FakeMessage(one, offset=i) for i, one in enumerate(values)], names, reader)


@pytest.mark.parametrize(("kind", "body", "expected"), LOGICAL.values(), ids=LOGICAL)
def test_numbers_are_features_and_the_others_dead_letters_with_path_and_type(
    kind: Any, body: bytes, expected: float | str
) -> None:
    records: Records
    rejects: list[Reject]
    records, rejects = read(AvroCodec(json.dumps(record(kind))), frame(1, body))
    if isinstance(expected, float):
        assert (records.features.tolist(), rejects) == ([[expected]], [])
        return
    assert [(one.fault.reason, one.fault.detail) for one in rejects] == [
        ("mapping", f"feature 'a': {expected}; it should be a number")
    ]


def test_without_a_mapping_a_framed_message_has_the_shape_of_our_own() -> None:
    """By position, by name, or many records; and a message of another shape is a dead letter."""
    fields = [
        {"name": "features", "type": [{"type": "array", "items": "double"}, {"type": "map", "values": "double"}]},
        {"name": "id", "type": ["null", "string"]},
    ]
    own = {"type": "record", "name": "Own", "fields": fields}
    codec = AvroCodec(json.dumps(own))
    by_position = written(own, {"features": [1.0, 2.0], "id": "r"})
    by_name = written(own, {"features": {"b": 2.0, "a": 1.0}, "id": None})
    short = written(own, {"features": [1.0], "id": None})
    records, rejects = read(codec, by_position, by_name, short, mapping=None, names=("a", "b"))
    assert (records.features.tolist(), records.ids) == ([[1.0, 2.0]] * 2, ["r", None])
    assert [one.fault.reason for one in rejects] == ["dimension"]
    many = {
        "type": "record",
        "name": "Many",
        "fields": [
            {"name": "n", "type": "int"},
            {"name": "features", "type": {"type": "array", "items": {"type": "array", "items": "double"}}},
        ],
    }
    value = written(many, {"n": 2, "features": [[1.0, 2.0], [3.0, 4.0]]})
    records, rejects = read(AvroCodec(json.dumps(many)), value, mapping=None, names=("a", "b"))
    assert (records.features.tolist(), rejects) == ([[1.0, 2.0], [3.0, 4.0]], [])
    _, rejects = read(AvroCodec('"int"'), frame(1, number(3)), mapping=None)
    assert rejects[0].fault.detail == "the message should be a map, is a number"


@pytest.mark.parametrize("value", [b"\0", b"\0\0\0\0"])
def test_half_a_framing_is_unreadable(value: bytes) -> None:
    _, (reject,) = read(AvroCodec('"int"'), value)
    assert (reject.fault.reason, reject.fault.detail.split(";")[0]) == ("unreadable", f"{len(value)} bytes")
