"""One record out of a message of many, so that it can be sent again alone; and a message for a person's eyes."""

import json
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.dead_letters.extract import decode_map, extract_record
from relearn.agents.dead_letters.render import as_json, as_short_json, as_text, hex_dump
from relearn.schemas.messages.ingest import encode_records
from tests.support.data.messages import decode_chunk

FEATURES = np.arange(6.0).reshape(3, 2)


class Fetched:
    """A message as Kafka would deliver it."""

    topic, partition, offset, timestamp, key, headers = "ingest", 0, 0, 0, None, ()

    def __init__(self, value: bytes) -> None:
        self.value = value


def extract_from_value(value: bytes | None, index: int, reason: str) -> bytes | None:
    """As `redrive` does it: the record of a value as it is stored."""
    message = decode_map(value) if value else None
    return None if value is None or message is None else extract_record(message, value, index, reason)


def packed(**message: Any) -> bytes:
    return bytes(msgpack.packb(message))


ROWS = [[1.0, 2.0], "x", [3.0]]
MANY = {"n": 3, "features": ROWS, "ids": ["a", "b", None], "contexts": ["1", "2", "3"], "batch": "q"}


def test_a_record_is_cut_out_with_its_own_texts() -> None:
    """Its faults are kept; keys that weren't given don't appear."""
    assert decode_map(extract_from_value(packed(**MANY), 1, "invalid") or b"") == {
        "features": "x",
        "id": "b",
        "context": "2",
        "batch": "q",
    }
    assert decode_map(extract_from_value(packed(**MANY), 2, "dimension") or b"") == {
        "features": [3.0],
        "context": "3",
        "batch": "q",
    }


def test_the_form_is_kept() -> None:
    """JSON stays JSON, packed rows stay packed, named ones keep their names."""
    one = extract_from_value(json.dumps(MANY).encode(), 0, "text")
    assert one is not None
    assert json.loads(one) == {"features": [1.0, 2.0], "id": "a", "context": "1", "batch": "q"}
    rows = encode_records(FEATURES, subjects=["s", "t", "u"])
    assert decode_map(extract_from_value(rows, 2, "not-finite") or b"") == {
        "features": FEATURES[2].tobytes(),
        "subject": "u",
    }
    named = encode_records(FEATURES, names=["b", "a"])
    assert decode_map(extract_from_value(named, 1, "not-finite") or b"") == {"features": {"b": 2.0, "a": 3.0}}


def test_bytes_that_are_not_utf8_come_through() -> None:
    """The record that was at fault for them still holds them."""
    value = bytes(
        msgpack.packb(
            {"n": 1, "features": [[1.0]], "ids": [b"\xff".decode("utf-8", "surrogateescape")]},
            unicode_errors="surrogateescape",
        )
    )
    one = extract_from_value(value, 0, "text")
    assert one is not None
    assert b"\xa1\xff" in one


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "empty"),
        (b"\xc1 nothing", "unreadable"),
        (packed(features=[1.0]), "dimension"),
        (packed(n=3, features=FEATURES.tobytes()), "dimension"),
        (packed(n=3, features=ROWS, names=["a", "c"]), "names"),
        (packed(n=3, features=ROWS[:2]), "length"),
        (packed(n="3", features=ROWS), "invalid"),
        (packed(n=True, features=ROWS), "invalid"),
        (packed(n=3, features={"a": 1}), "invalid"),
        (packed(n=3, features=ROWS, ids="abc"), "invalid"),
        (packed(n=3, features=ROWS, names="abc"), "invalid"),
        (packed(n=3, features=ROWS, batch=7), "text"),
        (packed(n=3, features=b"123"), "text"),
        (packed(n=0, features=[]), "empty"),
    ],
)
def test_what_is_the_messages_fault_is_sent_again_whole(value: bytes, reason: str) -> None:
    """Its other records were not scored either."""
    assert extract_from_value(value, 0, reason) is None


@given(st.binary(max_size=200), st.integers(0, 5), st.sampled_from(["text", "invalid", "dimension"]))
def test_no_bytes_raise(value: bytes, index: int, reason: str) -> None:
    """Dead letters hold anything."""
    extract_from_value(value, index, reason)
    json.dumps(as_json(value, index, reason), allow_nan=False).encode()
    as_text(value, index, reason).encode()
    as_short_json(value, index, reason, limit_bytes=1000)


@given(st.lists(st.booleans(), min_size=1, max_size=6), st.booleans(), st.booleans())
def test_what_is_cut_out_is_at_fault_alone_and_as_before(good: list[bool], as_list: bool, named: bool) -> None:
    """Every reject of a message, cut out and read again, is the same reject; nothing good goes with it."""
    features = np.array([[1.0, 2.0 if ok else np.nan] for ok in good])
    names = ["a", "b"]
    value = encode_records(features, names=names if named else None)
    if as_list:
        value = packed(n=len(good), features=features.tolist(), **({"names": names} if named else {}))
    _, rejects = decode_chunk([Fetched(value)], names)
    assert len(rejects) == good.count(False)
    for reject in rejects:
        one = extract_from_value(value, reject.fault.index, reject.fault.reason)
        assert one is not None
        records, again = decode_chunk([Fetched(one)], names)
        assert (len(records), [(r.fault.index, r.fault.reason) for r in again]) == (0, [(0, reject.fault.reason)])


def test_a_value_is_shown_as_far_as_it_can_be_read() -> None:
    """Packed numbers as numbers, one record of many, a hex dump of the rest; nothing that a terminal would obey."""
    assert "4.0,\n    5.0" in as_text(encode_records(FEATURES), 2, "not-finite")
    assert as_json(encode_records(FEATURES), 2, "not-finite") == {"features": [4.0, 5.0]}
    assert as_json(packed(features=[float("nan")]), 0, "not-finite") == {"features": ["nan"]}
    assert as_text(None, 0, "empty") == "the message has no value"
    assert "\x1b" not in as_text(packed(features=[1.0], id="\x1b[31m"), 0, "dimension")
    assert hex_dump(b"\xffvalue\0" + b"x" * 600).splitlines()[0].startswith("000000  ff 76 61 6c 75 65 00 78")
    assert hex_dump(b"x" * 600).endswith("… 88 bytes more")


def test_deep_nesting_is_cut() -> None:
    """JSON's own writers give up on it."""
    deep = b'{"features": ' + b"[" * 900 + b"]" * 900 + b"}"
    assert json.dumps(as_json(deep, 0, "invalid")).count("[") == 19
    assert as_text(deep, 0, "invalid").endswith("}")


def test_a_short_form_is_bounded_whatever_the_value_holds() -> None:
    """Long lists, maps and texts are cut, and say so; what is long all the same isn't there."""
    wide = packed(features=[0.0] * 1000, id="x" * 10_000, context=b"1" * 1001, names={str(i): i for i in range(200)})
    found = json.loads(as_short_json(wide, 0, "dimension", limit_bytes=10_000) or b"")
    assert found["features"][100:] == ["… 900 more"]
    assert (len(found["id"]), found["context"]["…"]) == (3001, "1,001 bytes in all")
    assert found["names"]["…"] == "200 fields in all"
    assert as_short_json(wide, 0, "dimension", limit_bytes=1000) is None
    nested = packed(features=[[[[0] * 100] * 100] * 100])
    assert len(as_short_json(nested, 0, "dimension", limit_bytes=10**6) or b"") < 10**5
    assert as_short_json(b"\xc1", 0, "unreadable", limit_bytes=1000) is None


def test_a_framed_message_is_shown_with_its_schema() -> None:
    """Its bytes mean nothing without the registry."""
    text = as_text(b"\0\0\0\0\x07\x02ab", 0, "schema")
    assert text.startswith("value, 8 bytes, framed, of schema 7:\n000000  00 00 00 00 07 02 61 62")
