"""Protobuf as other programs write it: by a schema's text, within bounds, and with a word for what can't be read."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.foreign import protoc
from relearn.agents.foreign.protoc import MAIN, compile_proto
from relearn.schemas.errors import BadMessage
from relearn.schemas.foreign.frame import frame
from relearn.schemas.foreign.mapping import parse_mapping
from relearn.schemas.foreign.protobuf import ProtobufCodec
from relearn.schemas.foreign.reader import ForeignReader
from tests.support.data.messages import FakeMessage, decode_chunk

SCHEMA = """
syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "parts/inner.proto";
message Row {
  double x = 1;
  optional string id = 2;
  parts.Inner inner = 3;
  map<string, double> values = 4;
  repeated int32 list = 5;
  Kind kind = 6;
  google.protobuf.Timestamp at = 7;
  Row self = 8;
  oneof either { int64 a = 9; bool b = 10; }
  repeated Row rows = 11;
  message Nested { double z = 1; }
}
enum Kind { ZERO = 0; ONE = 1; }
"""
INNER = 'syntax = "proto3"; package parts; message Inner { double y = 1; }'


@pytest.fixture(scope="module")
def codec() -> ProtobufCodec:
    return ProtobufCodec(compile_proto(SCHEMA, {"parts/inner.proto": INNER}), MAIN)


def row(codec: ProtobufCodec, **given: Any) -> Any:
    return codec._class((0,))(**given)


def framed(message: Any, indexes: bytes = b"\0") -> bytes:
    return frame(1, indexes + message.SerializeToString())


def test_a_message_is_maps_lists_and_values(codec: ProtobufCodec) -> None:
    message = row(codec, x=1.5, values={"k": 2.0}, list=[1, 2], kind=1, b=False, inner={"y": 3.0})
    assert codec.decode(framed(message)) == {
        "x": 1.5,
        "id": None,
        "inner": {"y": 3.0},
        "values": {"k": 2.0},
        "list": [1, 2],
        "kind": "ONE",
        "at": None,
        "self": None,
        "a": None,
        "b": False,
        "rows": [],
    }


def test_the_framing_names_the_type(codec: ProtobufCodec) -> None:
    """Its positions are numbers in zigzag: the first type, and the one nested in it behind those of the map field."""
    nested = codec._file.message_types_by_name["Row"].nested_types
    position = [one.name for one in nested].index("Nested")
    message = codec._class((0, position))(z=4.0)
    assert codec.decode(framed(message, bytes([4, 0, 2 * position]))) == {"z": 4.0}


def test_it_is_read_by_a_mapping(codec: ProtobufCodec) -> None:
    mapping = parse_mapping('id = "id"\n[features]\na = "inner.y"\nb = "values.k"\nc = "list[1]"\nd = "b"', "M")
    reader = ForeignReader(mapping, lambda schema_id: codec)
    good = row(codec, id="r", inner={"y": 1.0}, values={"k": 2.0}, list=[0, 3], b=True)
    messages = [FakeMessage(framed(one), offset=i) for i, one in enumerate([good, row(codec, id="s"), good])]
    records, (reject,) = decode_chunk(messages, ("a", "b", "c", "d"), reader)
    assert (records.features.tolist(), records.ids) == ([[1.0, 2.0, 3.0, 1.0]] * 2, ["r", "r"])
    assert reject.fault.detail == "feature 'b': values.k isn't in the message"


HOSTILE = {
    "no positions": (b"", "ends within the positions"),
    "half a position": (b"\xff", "ends within the positions"),
    "an endless position": (b"\xff" * 20, "ends within the positions"),
    "a negative count": (b"\1", "has -1 positions"),
    "a thousand positions": (b"\xd0\x0f", "has 1000 positions"),
    "a type that isn't there": (b"\2\x08", "a type that its schema lacks: [4]"),
    "a negative type": (b"\2\1", "a type that its schema lacks: [-1]"),
    "rubbish": (b"\0\xff\xff", "not of its Protobuf schema"),
    "a message of 2 GB": (b"\0\x42\xff\xff\xff\xff\x07", "not of its Protobuf schema"),
    "nested a million times": (b"\0" + b"\x42\x80\x80\x40" * 5000, "not of its Protobuf schema"),
}


@pytest.mark.parametrize(("body", "text"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_message_is_unreadable(codec: ProtobufCodec, body: bytes, text: str) -> None:
    with pytest.raises(BadMessage) as raised:
        codec.decode(frame(1, body))
    assert raised.value.reason == "unreadable"
    assert text in raised.value.detail


@given(body=st.binary(max_size=60))
def test_any_bytes_are_a_message_or_unreadable(codec: ProtobufCodec, body: bytes) -> None:
    try:
        codec.decode(frame(1, b"\0" + body))
    except BadMessage as exc:
        assert exc.reason == "unreadable"


def test_a_message_that_would_take_too_much_memory_is_not_decoded(codec: ProtobufCodec) -> None:
    """Two bytes for each message of a list, each of which has eleven fields."""
    for count in (20_000, 2_000_000):
        with pytest.raises(BadMessage, match="more than") as raised:
            codec.decode(frame(1, b"\0" + b"\x5a\0" * count))
        assert raised.value.reason == "too-large"


BAD_SCHEMAS = {
    "rubbish": ("rubbish", {}, "can't be compiled"),
    "an unknown type": ('syntax = "proto3"; message A { B b = 1; }', {}, '"B" is not defined'),
    "another file": ('syntax = "proto3"; import "/etc/passwd"; message A {}', {}, "can't be compiled"),
    "nested without end": ('syntax = "proto3";' + "message A {" * 5000, {}, "can't be compiled"),
    "an import above": (INNER, {"../x.proto": INNER}, "which is no file name"),
    "an import from the root": (INNER, {"/x.proto": INNER}, "which is no file name"),
}


@pytest.mark.parametrize(("text", "imported", "fault"), BAD_SCHEMAS.values(), ids=BAD_SCHEMAS)
def test_a_schema_that_cant_be_compiled_is_a_fault(text: str, imported: dict[str, str], fault: str) -> None:
    with pytest.raises(BadMessage) as raised:
        compile_proto(text, imported)
    assert raised.value.reason == "schema"
    assert fault in raised.value.detail


def test_a_compiler_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protoc, "TIMEOUT_S", 0.0)
    with pytest.raises(BadMessage, match="to compile") as raised:
        compile_proto(INNER, {})
    assert isinstance(raised.value.__cause__, subprocess.TimeoutExpired)


@pytest.mark.parametrize("descriptors", [b"rubbish", b""])
def test_descriptors_that_cant_be_read_are_a_fault(descriptors: bytes) -> None:
    with pytest.raises(BadMessage, match="its Protobuf schema can't be read"):
        ProtobufCodec(descriptors, MAIN)
