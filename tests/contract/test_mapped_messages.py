"""JSON of any shape on `ingest`, read by a mapping: a record, a tombstone, or a dead letter that names the path."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from relearn.schemas.foreign.mapping import parse_mapping
from relearn.schemas.foreign.reader import ForeignReader
from relearn.schemas.messages.ingest import encode_record
from relearn.schemas.messages.records import Fault, Records, Reject, UnreadMessage
from tests.support.data.messages import FakeMessage, decode_chunk

NAMES = ("a", "b", "c")
MAPPING = parse_mapping(
    """
id = "key.id"
subject = "who?"
context = "note?"
[features]
a = "x"
b = "deep.y"
c = "deep.list[1]"
""",
    "M",
)
GOOD = {"x": 1, "deep": {"y": 2.5, "list": [0, True]}, "key": {"id": 7}, "who": "me", "other": [{}]}


def decode(*values: bytes | None) -> tuple[Records, list[Reject], int]:
    reader = ForeignReader(MAPPING, None)
    records, rejects = decode_chunk([FakeMessage(value, offset=i) for i, value in enumerate(values)], NAMES, reader)
    return records, rejects, reader.skipped


def as_json(message: Any) -> bytes:
    return json.dumps(message).encode()


FORMS = {
    "bare": GOOD,
    "Connect": {"schema": {"type": "struct", "fields": [{"field": "x"}, {"field": "y"}]}, "payload": GOOD},
    "Debezium": {"before": None, "after": GOOD, "source": {"ts_ms": 1}, "op": "c", "ts_ms": 2},
    "Debezium in Connect": {"schema": {}, "payload": {"before": GOOD, "after": GOOD, "op": "u"}},
    "after alone": {"after": GOOD},
}


@pytest.mark.parametrize("message", FORMS.values(), ids=FORMS)
def test_every_envelope_holds_the_same_record(message: Any) -> None:
    records, rejects, skipped = decode(as_json(message))
    assert (rejects, skipped) == ([], 0)
    assert records.features.tolist() == [[1.0, 2.5, 1.0]]
    assert (records.ids, records.subjects, records.batches, records.contexts) == (["7"], ["me"], [None], [None])


def test_envelopes_stay_where_the_mapping_says_so() -> None:
    mapping = parse_mapping('unwrap = false\n[features]\na = "payload.x"', "M")
    message = FakeMessage(as_json({"schema": 1, "payload": {"x": 3}}))
    records, rejects = decode_chunk([message], ("a",), ForeignReader(mapping, None))
    assert (records.features.tolist(), rejects) == ([[3.0]], [])


SKIPPED: list[bytes | None] = [
    None,
    b'{"schema": null, "payload": null}',
    b'{"before": {"x": 1}, "after": null, "op": "d"}',
    b'{"schema": {}, "payload": {"before": {}, "after": null, "op": "d"}}',
]


@pytest.mark.parametrize("value", SKIPPED)
def test_a_tombstone_and_a_deletion_are_counted_and_skipped(value: bytes | None) -> None:
    records, rejects, skipped = decode(value, as_json(GOOD))
    assert (len(records), rejects, skipped) == (1, [], 1)


def without(*path: str) -> Any:
    found = json.loads(as_json(GOOD))
    here = found
    for name in path[:-1]:
        here = here[name]
    del here[path[-1]]
    return found


BAD = {
    "a path that isn't there": (without("x"), "mapping", "feature 'a': x isn't in the message"),
    "a map that isn't there": (without("deep"), "mapping", "feature 'b': deep.y isn't in the message (no deep)"),
    "a list that is too short": (
        {**GOOD, "deep": {"y": 1, "list": [0]}},
        "mapping",
        "feature 'c': deep.list[1] isn't in the message",
    ),
    "an id that isn't there": (without("key"), "mapping", "`id`: key.id isn't in the message (no key)"),
    "a text as a number": ({**GOOD, "x": "1"}, "mapping", "feature 'a': x is a text; it should be a number"),
    "null as a number": ({**GOOD, "x": None}, "mapping", "feature 'a': x is null; it should be a number"),
    "a null map": ({**GOOD, "deep": None}, "mapping", "feature 'b': deep.y is null; it should be a number"),
    "a map as a number": ({**GOOD, "x": {}}, "mapping", "feature 'a': x is a map; it should be a number"),
    "a list as an id": ({**GOOD, "key": {"id": []}}, "mapping", "`id`: key.id is a list; it should be a text"),
    "a truth as an id": (
        {**GOOD, "key": {"id": True}},
        "mapping",
        "`id`: key.id is true or false; it should be a text",
    ),
    "a long id": ({**GOOD, "who": "w" * 257}, "text", "`subject` is 257 bytes long; 256 are allowed"),
    "a number beyond float64": ({**GOOD, "x": 10**400}, "not-finite", "feature 'a' is larger than any float64"),
    "a text in the envelope": ({"after": "text", "op": "c"}, "mapping", "feature 'a': x isn't in the message"),
    "a record of our own shape": ({"features": [1, 2, 3]}, "mapping", "feature 'a': x isn't in the message"),
}


@pytest.mark.parametrize(("message", "reason", "detail"), BAD.values(), ids=BAD)
def test_a_fault_names_its_path_and_the_neighbours_are_records(message: Any, reason: str, detail: str) -> None:
    records, rejects, _ = decode(as_json(GOOD), as_json(message), as_json(GOOD))
    assert records.offsets.tolist() == [0, 2]
    assert [(reject.message.offset, reject.fault) for reject in rejects] == [(1, Fault(0, reason, detail))]


RAW = {
    "a key twice": (b'{"x": 1, "x": 2, "deep": {"y": 1, "list": [0, 0]}, "key": {"id": 1}}', "names"),
    "a key twice within": (b'{"x": 1, "deep": {"y": 1, "y": 3, "list": [0, 0]}, "key": {"id": 1}}', "names"),
    "a key twice, escaped": (b'{"x": 1, "\\u0078": 2, "deep": {"y": 1, "list": [0, 0]}, "key": {"id": 1}}', "names"),
    "a key twice beside a colon": (b'{"x": 1, "x": 2, "z": "\\u003a", "deep": {}}', "names"),
    "half a message": (b'{"x": 1, "deep"', "unreadable"),
    "deep nesting": (b'{"a":' * 100_000, "unreadable"),
    "not UTF-8": (b'{"x": 1, "deep": {"y": 1, "list": [0, 0]}, "key": {"id": "\xff"}}', "text"),
    "NaN": (b'{"x": NaN, "deep": {"y": 1, "list": [0, 0]}, "key": {"id": 1}}', "not-finite"),
    "1e400": (b'{"x": 1e400, "deep": {"y": 1, "list": [0, 0]}, "key": {"id": 1}}', "not-finite"),
    "framed, and no registry": (b"\0\0\0\0\x07rest", "schema"),
    "MessagePack, but broken": (b"\xdf\xff", "unreadable"),
    "nothing": (b"", "empty"),
}


@pytest.mark.parametrize(("value", "reason"), RAW.values(), ids=RAW)
def test_rubbish_has_a_reason_and_the_neighbours_are_records(value: bytes, reason: str) -> None:
    records, rejects, _ = decode(as_json(GOOD), value, as_json(GOOD))
    assert records.offsets.tolist() == [0, 2]
    assert [(reject.message.offset, reject.fault.reason) for reject in rejects] == [(1, reason)]


def test_texts_with_colons_are_no_keys_given_twice() -> None:
    message = {**GOOD, "who": "http://a:b", "at": "12:30:00", "a:b": {"c:d": ["e:f"]}}
    records, rejects, _ = decode(as_json(message), json.dumps(message, indent=3).encode())
    assert (len(records), rejects) == (2, [])


def test_messages_of_our_own_are_the_same_with_a_mapping() -> None:
    own = encode_record(np.array([1.0, 2.0, 3.0]), record_id="r")
    records, rejects, _ = decode(own, as_json(GOOD))
    assert (records.ids, rejects) == (["r", "7"], [])


def test_a_framed_message_without_a_registry_names_the_setting() -> None:
    (_, (with_mapping,), _), (_, (without_mapping,)) = (
        decode(b"\0\0\0\0\x07rest"),
        decode_chunk([FakeMessage(b"\0\0\0\0\x07rest")], NAMES),
    )
    assert with_mapping.fault == without_mapping.fault
    assert "RELEARN_SCHEMA_REGISTRY_URL" in with_mapping.fault.detail


def test_a_quarantined_message_is_not_read() -> None:
    """Its value is whole, and its fault is the one that it came with."""
    fault = Fault(0, "quarantined", "not read")
    unread = UnreadMessage("t", 0, 0, 0, None, as_json(GOOD), (), fault, whole=True)
    _, (reject,) = decode_chunk([unread], NAMES, ForeignReader(MAPPING, None))
    assert reject.fault == fault


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["x", "deep", "y", "list", "key", "id", "after", "payload", "schema", "op"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(
    st.one_of(
        st.binary(max_size=40),
        st.dictionaries(st.text(max_size=4), JSON, max_size=5).map(as_json),
        JSON.map(lambda v: as_json({"after": v})),
    )
)
@example(b"{}")
@example(b'{"after": {}}')
def test_whatever_a_message_holds_it_is_a_record_a_dead_letter_or_skipped(value: bytes) -> None:
    records, rejects, skipped = decode(value)
    assert len(records) + len(rejects) + skipped == 1
