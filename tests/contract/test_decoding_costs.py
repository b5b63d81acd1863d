"""Hostile input costs what it weighs: decoders take linear steps and bounded memory, whatever a message holds.

Steps are counted as comparisons and hashes of names, memory as what tracemalloc sees. No time is measured.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relearn.schemas.errors import BadMessage, BadModel
from relearn.schemas.features import numbers_alone
from relearn.schemas.messages import ingest_fast_path, weight
from relearn.schemas.messages.commands import decode_command
from relearn.schemas.messages.feedback import decode_feedback
from relearn.schemas.messages.ingest import NUMBERS_MAX, RECORDS_MAX, encode_records
from relearn.schemas.messages.ingest_faults import _check_names, _order
from relearn.schemas.messages.predictions import decode_block
from relearn.schemas.model.signatures import Verifier
from relearn.schemas.model.signed_updates import decode_update
from relearn.schemas.topics import INGEST_MAX_BYTES
from tests.support.data.messages import FakeMessage, decode_chunk

NAMES = ("a", "b", "c")
MIB = 1024 * 1024


class CountedName(str):
    """A name that counts how often it is compared or hashed."""

    steps = 0

    def __eq__(self, other: object) -> bool:
        CountedName.steps += 1
        return str.__eq__(self, other)

    def __hash__(self) -> int:
        CountedName.steps += 1
        return str.__hash__(self)


@pytest.mark.parametrize("n", [1_000, 10_000])
@pytest.mark.parametrize("twice", [False, True])
def test_checking_names_takes_steps_in_proportion_to_them(n: int, twice: bool) -> None:
    known = [f"f{i}" for i in range(n)]
    names = [CountedName(name) for name in (known + known[:1] if twice else reversed(known))]
    CountedName.steps = 0
    if twice:
        with pytest.raises(BadMessage, match="given twice: 'f0'"):
            _check_names(names, numbers_alone(known))
    else:
        assert _order(names, numbers_alone(known)) == list(range(n - 1, -1, -1))
    assert CountedName.steps < 12 * n


def peak_bytes(work: Callable[[], Any]) -> int:
    """The most memory that `work` had at a time."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def array_of(n: int, item: bytes) -> bytes:
    return b"\xdd" + n.to_bytes(4, "big") + item * n


def ingest(fields: bytes, count: int) -> bytes:
    return bytes((0x80 | count,)) + fields


def field(name: str, value: bytes) -> bytes:
    return bytes(msgpack.packb(name)) + value


LARGE = MIB
#: The tests lower the limit, so that tracemalloc, which makes an allocation ten times as slow, has less to follow.
LIMIT = MIB
HOSTILE = {
    "a million empty rows": ingest(field("n", msgpack.packb(LARGE)) + field("features", array_of(LARGE, b"\x90")), 2),
    "a single record of empty rows": ingest(field("features", array_of(LARGE, b"\x90")), 1),
    "eight million small numbers": ingest(field("features", array_of(LARGE, b"\x00")), 1),
    "unknown fields of empty maps": ingest(field("x", array_of(LARGE, b"\x80")) + field("features", b"\x90"), 2),
    "many short ids": ingest(
        field("n", msgpack.packb(LARGE // 4))
        + field("ids", array_of(LARGE // 4, b"\xa3abc"))
        + field("features", b"\xc4\0"),
        3,
    ),
    "extension types": ingest(field("features", array_of(LARGE // 3, b"\xd4\x05\x00")), 1),
    "nested arrays that claim to be large": b"\x81\xa8features"
    + (b"\xdd" + LARGE.to_bytes(4, "big")) * 900
    + b"\xc0" * LARGE,
    "nested maps that claim to be large": b"\x81\xa8features" + (b"\xdf\x00\x10\x00\x00\xa0") * 900 + b"\xc0" * LARGE,
    "nested arrays in a small message": b"\x81\xa8features" + (b"\xdd\x00\x00\xe0\x00") * 900 + b"\xc0" * 60_000,
    "a map of a million keys": ingest(
        field(
            "features", b"\xdf" + (100_000).to_bytes(4, "big") + b"".join(b"\xa7%07d\x01" % i for i in range(100_000))
        ),
        1,
    ),
    "the same key again and again": ingest(
        field("features", b"\xdf" + (300_000).to_bytes(4, "big") + b"\xa1a\x01" * 300_000), 1
    ),
    "JSON of empty rows": b'{"features": [' + b"[]," * (LARGE // 3) + b"[]]}",
    "JSON of small numbers": b'{"features": [' + b"0," * (LARGE // 2) + b"0]}",
    "JSON of short strings": b'{"features": [' + b'"a,",' * (LARGE // 5) + b'"a"]}',
    "JSON of keys": b'{"features": {' + b'"ab":1,' * (LARGE // 7) + b'"a":1}}',
    "JSON of quotes that never end": b'{"features": "' + b'\\"' * (LARGE // 2),
    "a long number": b'{"features": [' + b"1" * LARGE + b"]}",
    "a long fraction": b'{"features": [0.' + b"1" * LARGE + b", 1, 1]}",
    "deep JSON": b'{"features": ' + b"[" * LARGE,
}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_message_of_ingest_takes_bounded_memory(value: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight, "DECODED_MAX_BYTES", LIMIT)
    found: list[int] = []

    def decode() -> None:
        records, rejects = decode_chunk([FakeMessage(value)], NAMES)
        found.append(len(records) + len(rejects))

    assert peak_bytes(decode) < LIMIT + 3 * len(value) + MIB
    assert found == [1]


OTHER_DECODERS: dict[str, Callable[[bytes], Any]] = {
    "feedback": decode_feedback,
    "command": decode_command,
    "block": decode_block,
    "model update": lambda value: decode_update(value, Verifier({}), "test"),
}


@pytest.mark.parametrize("decode", OTHER_DECODERS.values(), ids=OTHER_DECODERS)
@pytest.mark.parametrize("name", ["x", "reason", "id", "classes", "ids", "body"])
@pytest.mark.parametrize("item", [b"\x90", b"\x80", b"\xc0", b"\xa2ab"], ids=["lists", "maps", "nils", "texts"])
def test_other_messages_take_bounded_memory(
    decode: Callable[[bytes], Any], name: str, item: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weight, "DECODED_MAX_BYTES", LIMIT)
    value = ingest(field(name, array_of(MIB // 4 // len(item), item)) + field("deep", b"\xdd\x00\x0f\xff\xff" * 900), 2)
    whole = ingest(field(name, b"\x81\xa1a" + array_of(MIB // 4 // len(item), item)), 1)

    def refused() -> None:
        for one in (value, whole):
            with pytest.raises((BadMessage, BadModel)):
                decode(one)

    assert peak_bytes(refused) < LIMIT + 3 * len(value)


@pytest.mark.parametrize("rows", [b"\x90", b"\x91\x00", b"\x93\xc0\xc0\xc0"])
def test_the_bad_records_of_many_messages_are_decoded_in_parts(rows: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest_fast_path, "PART_RECORDS", 1000)
    value = ingest(field("n", msgpack.packb(2000)) + field("features", array_of(2000, rows)), 2)
    messages = [FakeMessage(value, offset=i) for i in range(6)]
    found = []

    def decode() -> None:
        for records, rejects in ingest_fast_path.decode_parts(messages, numbers_alone(NAMES)):
            assert len(records) == 0
            found.append(len(rejects))

    assert peak_bytes(decode) < 2 * MIB
    assert found == [2000] * 6


def test_a_message_holds_no_more_records_than_its_largest_packed_form() -> None:
    for n, d in ((RECORDS_MAX + 1, 1), (NUMBERS_MAX // 64 + 1, 64)):
        names = [f"f{i}" for i in range(d)]
        for value in (
            encode_records(np.zeros((n, d))),
            ingest(field("n", msgpack.packb(n)) + field("features", array_of(n, b"\x90")), 2),
        ):
            records, rejects = decode_chunk([FakeMessage(value)], names)
            assert len(records) == 0
            assert [reject.fault.reason for reject in rejects] == ["too-large"]


def test_the_largest_good_messages_are_decoded_whole() -> None:
    matrix = np.random.default_rng(7).normal(size=(INGEST_MAX_BYTES // 9 // 30 - 100, 30))
    names = [f"f{i}" for i in range(30)]
    as_lists = msgpack.packb({"n": len(matrix), "features": matrix.tolist()})
    with_names = msgpack.packb({"n": len(matrix), "features": matrix.tolist(), "names": names})
    for value in (encode_records(matrix), encode_records(matrix, names=names), as_lists, with_names):
        records, rejects = decode_chunk([FakeMessage(value)], names)
        assert rejects == []
        np.testing.assert_array_equal(records.features, matrix)


scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary()
items = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30)


@settings(max_examples=30, deadline=None)
@given(items)
def test_the_weight_of_a_message_is_near_its_memory(item: Any) -> None:
    value = bytes(msgpack.packb([item] * 20))
    taken = peak_bytes(lambda: msgpack.unpackb(value, strict_map_key=False, unicode_errors="surrogateescape"))
    with pytest.MonkeyPatch.context() as patch, pytest.raises(BadMessage, match="too-large"):
        patch.setattr(weight, "DECODED_MAX_BYTES", min(taken // 4, len(value)) - 1)
        weight.check_weight(value)


def test_messages_below_the_limit_of_weighing_are_small() -> None:
    assert 72 * weight.WEIGHED_FROM_BYTES < 20 * MIB
