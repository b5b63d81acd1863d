"""Whatever stands on `ingest`: each record is scored or has a clear reason, and its neighbours are scored."""

from __future__ import annotations

import json
import math
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from relearn.agents.store.decode import check_block_storable
from relearn.schemas.messages.ingest import encode_record, encode_records
from relearn.schemas.messages.records import MAX_TIME_S, Records, Reject
from tests.support.data.blocks import block_of
from tests.support.data.messages import FakeMessage, decode_chunk

NAMES = ("a", "b", "c")


def decode(*values: bytes | None) -> tuple[Records, list[Reject]]:
    return decode_chunk([FakeMessage(value, offset=i) for i, value in enumerate(values)], NAMES)


def packed(message: Any) -> bytes:
    return bytes(msgpack.packb(message))


GOOD = {
    "a list": packed({"features": [1, 2.0, 3]}),
    "packed float64": encode_record(np.array([1.0, 2.0, 3.0])),
    "by name": packed({"features": {"c": 3, "a": 1, "b": 2}}),
    "JSON": b'{"features": [1, 2, 3]}',
    "JSON by name": b'{"features": {"c": 3, "b": 2.0, "a": 1}, "unknown": [{}]}',
    "many packed": encode_records(np.array([[1.0, 2.0, 3.0]])),
    "many as lists": packed({"n": 1, "features": [[1, 2, 3]]}),
    "many with names": packed({"n": 1, "features": [[3, 1, 2]], "names": ["c", "a", "b"]}),
    "many packed with names": encode_records(np.array([[3.0, 1.0, 2.0]]), names=["c", "a", "b"]),
    "many in JSON": b'{"n": 1, "features": [[1, 2, 3]]}',
}


@pytest.mark.parametrize("value", GOOD.values(), ids=GOOD)
def test_every_form_gives_the_same_record(value: bytes) -> None:
    records, rejects = decode(value)
    assert rejects == []
    assert records.features.tolist() == [[1.0, 2.0, 3.0]]


BAD = {
    "no value": (None, "empty"),
    "an empty value": (b"", "empty"),
    "random bytes": (b"\xc1\xff\x00", "unreadable"),
    "a truncated map": (packed({"features": [1, 2, 3]})[:-1], "unreadable"),
    "trailing bytes": (packed({"features": [1, 2, 3]}) + b"x", "unreadable"),
    "a map that claims to be huge": (b"\xdf\xff\xff\xff\xff", "unreadable"),
    "a list that claims to be huge": (b"\x81\xa8features\xdd\xff\xff\xff\xff", "unreadable"),
    "deep nesting": (b"\x91" * 100_000, "unreadable"),
    "deep JSON": (b'{"a":' * 100_000, "unreadable"),
    "half a JSON": (b'{"features": [1, 2', "unreadable"),
    "a string": (packed("features"), "invalid"),
    "no features": (packed({"id": "x"}), "invalid"),
    "features null": (packed({"features": None}), "invalid"),
    "features a number": (packed({"features": 1}), "invalid"),
    "a text among the numbers": (packed({"features": [1, "2", 3]}), "invalid"),
    "a truth among the numbers": (packed({"features": [1, True, 3]}), "invalid"),
    "too few": (packed({"features": [1, 2]}), "dimension"),
    "too many": (packed({"features": [1, 2, 3, 4]}), "dimension"),
    "packed bytes of a wrong length": (packed({"features": b"\0" * 23}), "dimension"),
    "not a number": (packed({"features": [1, math.nan, 3]}), "not-finite"),
    "infinite": (encode_record(np.array([1.0, math.inf, 3.0])), "not-finite"),
    "NaN in JSON": (b'{"features": [1, NaN, 3]}', "not-finite"),
    "an integer beyond float64": (b'{"features": [1, 1' + b"0" * 400 + b", 3]}", "not-finite"),
    "a name missing": (packed({"features": {"a": 1, "b": 2}}), "names"),
    "a name unknown": (packed({"features": {"a": 1, "b": 2, "c": 3, "d": 4}}), "names"),
    "a name twice": (b'{"features": {"a": 1, "b": 2, "c": 3, "a": 4}}', "names"),
    "an id of another type": (packed({"features": [1, 2, 3], "id": 7}), "text"),
    "an id too long": (packed({"features": [1, 2, 3], "id": "x" * 257}), "text"),
    "a NUL in the subject": (packed({"features": [1, 2, 3], "subject": "a\0"}), "text"),
    "invalid UTF-8 in the batch": (packed({"features": [1, 2, 3], "batch": "zz"}).replace(b"zz", b"\xff\xfe"), "text"),
    "a lone surrogate": (b'{"features": [1, 2, 3], "id": "\\ud800"}', "text"),
    "a context too long": (packed({"features": [1, 2, 3], "context": "x" * 2049}), "text"),
    "n is zero": (packed({"n": 0, "features": b""}), "empty"),
    "n is negative": (packed({"n": -1, "features": b""}), "invalid"),
    "n is no whole number": (packed({"n": 1.5, "features": [[1, 2, 3]]}), "invalid"),
    "n is astronomic": (packed({"n": 10**15, "features": b""}), "too-large"),
    "n isn't the number of rows": (packed({"n": 2, "features": [[1, 2, 3]]}), "length"),
    "ids of another length": (packed({"n": 1, "features": [[1, 2, 3]], "ids": ["a", "b"]}), "length"),
    "names that aren't known": (packed({"n": 1, "features": [[1, 2, 3]], "names": ["a", "b", "z"]}), "names"),
    "names twice": (packed({"n": 1, "features": [[1, 2, 3]], "names": ["a", "b", "b"]}), "names"),
}


@pytest.mark.parametrize(("value", "reason"), BAD.values(), ids=BAD)
def test_a_bad_message_has_a_reason_and_its_neighbours_are_scored(value: bytes | None, reason: str) -> None:
    records, rejects = decode(GOOD["a list"], value, GOOD["JSON"])
    assert records.offsets.tolist() == [0, 2]
    assert [(r.message.offset, r.fault.index, r.fault.reason) for r in rejects] == [(1, 0, reason)]
    assert 0 < len(rejects[0].fault.detail) < 500


BAD_ROWS = {
    "a text": ([1, "x", 3], "invalid"),
    "not finite": ([1, math.nan, 3], "not-finite"),
    "too short": ([1, 2], "dimension"),
    "no list": (None, "invalid"),
}


@pytest.mark.parametrize(("row", "reason"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_one_bad_row_of_many_is_rejected_alone(row: Any, reason: str) -> None:
    records, rejects = decode(packed({"n": 3, "features": [[1, 2, 3], row, [4, 5, 6]], "ids": ["x", "y", "z"]}))
    assert records.indexes.tolist() == [0, 2]
    assert list(records.ids) == ["x", "z"]
    assert [(r.fault.index, r.fault.reason) for r in rejects] == [(1, reason)]


@pytest.mark.parametrize("bad", [7, "a\0", "x" * 257])
def test_one_bad_text_of_many_is_rejected_alone(bad: Any) -> None:
    records, rejects = decode(packed({"n": 2, "features": [[1, 2, 3], [4, 5, 6]], "subjects": ["fine", bad]}))
    assert list(records.subjects) == ["fine"]
    assert [(r.fault.index, r.fault.reason) for r in rejects] == [(1, "text")]


def test_invalid_utf8_in_one_text_of_many_is_rejected_alone() -> None:
    value = packed({"n": 2, "features": [[1, 2, 3], [4, 5, 6]], "ids": ["fine", "zz"]}).replace(b"zz", b"\xff\xfe")
    records, rejects = decode(value)
    assert list(records.ids) == ["fine"]
    assert [(r.fault.index, r.fault.reason) for r in rejects] == [(1, "text")]


def test_texts_arrive_with_their_record() -> None:
    record = {"features": [1, 2, 3], "id": "i", "subject": "s", "batch": "b", "context": "c"}
    for value in (packed(record), json.dumps(record).encode()):
        records, _ = decode(value)
        assert [records.ids, records.subjects, records.batches, records.contexts] == [["i"], ["s"], ["b"], ["c"]]


def test_the_time_of_a_record_is_the_brokers() -> None:
    records, _ = decode_chunk([FakeMessage(GOOD["JSON"], timestamp=1_700_000_000_123)], NAMES)
    assert records.ingested_at.tolist() == [1_700_000_000.123]


@pytest.mark.parametrize("value", [GOOD["JSON"], GOOD["packed float64"], GOOD["many packed"]])
@given(time_ms=st.integers(-(2**63), 2**63 - 1))
@example(time_ms=-1)
@example(time_ms=253_402_214_399_000)
@example(time_ms=253_402_214_399_001)
def test_a_record_with_a_time_that_no_row_can_have_is_rejected_alone(value: bytes, time_ms: int) -> None:
    """Producers give times of any size to a topic that the broker doesn't stamp. The block of all would be refused."""
    good, other = FakeMessage(value, offset=1), FakeMessage(value, offset=2, timestamp=time_ms)
    records, rejects = decode_chunk([good, other, FakeMessage(value, offset=3)], NAMES)
    storable = 0 <= time_ms <= 1000 * MAX_TIME_S
    assert records.offsets.tolist() == [1, *([2] if storable else []), 3]
    assert [(one.message, one.fault.reason) for one in rejects] == ([] if storable else [(other, "invalid")])
    block = block_of(len(records), features=records.features, ingested_at=records.ingested_at)
    check_block_storable(block)


@given(st.binary(max_size=200))
def test_random_bytes_never_raise(value: bytes) -> None:
    records, rejects = decode(value)
    assert len(records) > 0 or len(rejects) == 1


@given(st.sampled_from(sorted(GOOD)), st.data())
def test_damaged_messages_never_raise(form: str, data: st.DataObject) -> None:
    value = bytearray(GOOD[form])
    for _ in range(data.draw(st.integers(1, 3))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    records, rejects = decode(GOOD["a list"], bytes(value[: data.draw(st.integers(0, len(value)))]))
    assert records.offsets[0] == 0
    assert len(records) + len(rejects) >= 2


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
fields = ["n", "features", "id", "ids", "subject", "subjects", "batch", "names", "context", "contexts"]


@given(st.dictionaries(st.sampled_from(fields), anything, max_size=6))
def test_any_field_may_be_of_any_type(message: dict[str, Any]) -> None:
    records, rejects = decode(packed(message))
    n = message.get("n")
    assert len(records) + len(rejects) == (n if isinstance(n, int) and len(records) + len(rejects) > 1 else 1)


@given(st.integers(1, 20), st.booleans(), st.data())
def test_what_is_encoded_is_decoded(n: int, as_many: bool, data: st.DataObject) -> None:
    finite = st.floats(allow_nan=False, allow_infinity=False)
    rows = np.array(data.draw(st.lists(st.tuples(finite, finite, finite), min_size=n, max_size=n)))
    values = [encode_records(rows)] if as_many else [encode_record(row) for row in rows]
    records, rejects = decode(*values)
    assert rejects == []
    assert records.features.tobytes() == rows.tobytes()
