"""Whatever message is rejected, its dead letters fit their topic, name each record once, and tell what is left out."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import msgpack
from hypothesis import example, given
from hypothesis import strategies as st

from relearn.agents.dead_letters.extract import decode_map
from relearn.agents.dead_letters.redriven_message import redriven_message
from relearn.agents.stores.dead_letters import DeadLetterRow, Original
from relearn.schemas.messages.dead_letter_cut import (
    FIXED_MAX_BYTES,
    HEAD_BYTES,
    HEADERS_MAX,
    HEADERS_MAX_BYTES,
    INDEXES_MAX,
    KEY_MAX_BYTES,
    dead_letters,
)
from relearn.schemas.messages.dead_letters import Cut, DeadLetter, dead_letter_headers, decode_dead_letter
from relearn.schemas.messages.headers import message_bytes
from relearn.schemas.messages.records import Fault, Reject
from tests.support.data.messages import FakeMessage, decode_chunk

SOURCE = "/relearn/score-1"
MANY = 1_000_000

# Sizes rather than bytes: hypothesis would spend its time on making megabytes.
sizes = st.one_of(st.none(), st.integers(0, 300), st.sampled_from([4096, 4097, 70_000, 1_000_000, 12_000_000]))
names = st.sampled_from(["traceparent", "index", "original-size", "ce_id", "é" * 200, "x" * 5000, ""])
headers = st.lists(
    st.tuples(names, sizes.map(lambda size: None if size is None else bytes(min(size, 70_000)))), max_size=80
)
faults = st.lists(
    st.builds(
        Fault, st.integers(0, MANY), st.sampled_from(["text", "names"]), st.sampled_from(["why", "é" * 3000, "\ud800"])
    ),
    min_size=1,
    max_size=30,
    unique_by=lambda fault: fault.index,
)
limits = st.sampled_from([9_437_184, 1_048_588, 200_000, FIXED_MAX_BYTES, 20_000])


def letters_of(message: FakeMessage, found: list[Fault], limit_bytes: int) -> list[DeadLetter]:
    rejects = [Reject(message, fault) for fault in found]
    return list(dead_letters(rejects, agent="score", generation=3, now_s=1.5, limit_bytes=limit_bytes))


def sent_and_read(letter: DeadLetter) -> tuple[int, DeadLetter]:
    """The size of the letter's message, and the letter as the store worker reads it."""
    sent = dead_letter_headers(letter, SOURCE)
    return message_bytes(letter.value, letter.key, sent), decode_dead_letter(letter.key, letter.value, sent)


@given(sizes, sizes, headers, faults, limits)
@example(12_000_000, 12_000_000, [("h", b"x" * 70_000)] * 80, [Fault(0, "text", "why")], 1_048_588)
@example(1_000_000, 10, [], [Fault(0, "text", "why")], 1_000_300)
def test_any_letter_fits_and_says_what_it_leaves_out(
    value_size: int | None, key_size: int | None, theirs: list[tuple[str, bytes]], found: list[Fault], limit_bytes: int
) -> None:
    value, key = (None if size is None else bytes(size) for size in (value_size, key_size))
    message = FakeMessage(value, key=key, headers=theirs, offset=7)
    letters = letters_of(message, found, limit_bytes)
    assert sorted(index for one in letters for index in one.indexes) == sorted(fault.index for fault in found)
    kept = [(name, item) for name, item in theirs if name != "index" and not name.startswith(("ce_", "original-"))]
    for letter in letters:
        size, read = sent_and_read(letter)
        assert size <= limit_bytes or (not letter.value and size <= FIXED_MAX_BYTES)
        assert len(letter.indexes) <= INDEXES_MAX
        assert (read.topic, read.generation, read.partition, read.offset) == ("relearn.ingest", 3, 0, 7)
        assert (read.indexes, read.cut) == (letter.indexes, letter.cut)
        if letter.cut is None:
            assert (letter.value, letter.key) == (value, key)
            assert [item for item in read.original_headers if not item[0].startswith("ce_")] == kept
            continue
        assert letter.cut.value_bytes == value_size
        assert letter.cut.value_sha256 == (None if value is None else hashlib.sha256(value).digest())
        assert letter.cut.key_bytes == (key_size if (key_size or 0) > KEY_MAX_BYTES else None)
        assert value is None or value.startswith(letter.value or b"")


def test_a_letter_that_fits_is_whole_and_the_head_of_another_is_kept() -> None:
    (whole,) = letters_of(FakeMessage(bytes(8_000_000)), [Fault(0, "text", "why")], 9_437_184)
    (head,) = letters_of(FakeMessage(bytes(12_000_000)), [Fault(0, "text", "why")], 9_437_184)
    assert (whole.cut, len(whole.value or b"")) == (None, 8_000_000)
    assert head.cut == Cut(12_000_000, hashlib.sha256(bytes(12_000_000)).digest())
    assert len(head.value or b"") == HEAD_BYTES


def test_a_million_bad_records_are_named_in_letters_that_fit() -> None:
    """Every other record, so that no range shortens the list: the lists together are no larger than their message."""
    value = bytes(2 * MANY)
    letters = letters_of(FakeMessage(value), [Fault(index, "text", "why") for index in range(0, MANY, 2)], 1_048_588)
    measured = [sent_and_read(letter)[0] for letter in letters]
    assert max(measured) <= 1_048_588
    assert sum(measured) <= 3 * len(value)
    assert [letter.value != b"" for letter in letters].count(True) == 1
    assert sum(len(letter.indexes) for letter in letters) == MANY // 2


def test_the_bounds_of_headers_are_in_number_and_in_bytes() -> None:
    for theirs in ([("h", b"")] * (HEADERS_MAX + 1), [("h", bytes(HEADERS_MAX_BYTES)), ("i", b"")]):
        (letter,) = letters_of(FakeMessage(b"x", headers=theirs), [Fault(0, "text", "why")], 1_048_588)
        assert letter.cut == Cut(1, hashlib.sha256(b"x").digest(), headers=len(theirs))
        assert letter.value == b"x"
        assert len(letter.original_headers) < len(theirs)


junk = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(), st.text(max_size=5), st.binary(max_size=24)
)
rows = st.one_of(st.lists(junk, max_size=3), st.dictionaries(st.text(max_size=3), junk, max_size=3), junk)
maps = st.fixed_dictionaries(
    {"features": st.one_of(st.lists(rows, max_size=4), junk)},
    optional={
        "n": st.one_of(st.integers(-1, 5), junk),
        "ids": st.lists(st.one_of(junk, st.just("x" * 300)), max_size=4),
        "subjects": st.lists(junk, max_size=4),
        "contexts": st.one_of(junk, st.lists(junk, max_size=4)),
        "batch": junk,
        "names": st.one_of(st.just(["a", "b"]), st.lists(st.text(max_size=2), max_size=3), junk),
        "id": junk,
    },
)
values = st.one_of(st.none(), st.binary(max_size=60), maps.map(lambda one: bytes(msgpack.packb(one))))


@given(values)
@example(bytes(msgpack.packb({"n": 2, "features": [[1.0, 2.0], "x"], "names": ["a", "b"], "ids": ["i", "j"]})))
def test_any_rejected_record_can_be_sent_again_and_has_the_same_fault(value: bytes | None) -> None:
    """Alone, in no more bytes than its message had, but for the names of its features."""
    _, rejects = decode_chunk([FakeMessage(value, topic="ns.ingest")], ("a", "b"))
    for letter in dead_letters(rejects, agent="score", generation=0, now_s=1.0):
        original = Original(letter.key, letter.value, [])
        for index in letter.indexes:
            place = (letter.topic, letter.generation, letter.partition, letter.offset, index)
            row = DeadLetterRow(1, letter.agent, *place, letter.reason, letter.error, datetime.now(UTC), None)
            message = decode_map(letter.value) if letter.value else None
            sent = redriven_message(row, original, message, namespace="ns", now_s=1.0)
            assert len(sent.value or b"") <= len(value or b"") + 32
            _, again = decode_chunk([FakeMessage(sent.value, topic="ns.ingest")], ("a", "b"))
            assert letter.reason in {reject.fault.reason for reject in again}


def test_an_index_given_many_times_is_one_record() -> None:
    """A letter of a few megabytes is no more rows than records."""
    (letter,) = letters_of(FakeMessage(b"x"), [Fault(0, "text", "why")], 1_048_588)
    sent = [
        (name, b"1," * 500_000 + b"0" if name == "index" else value) for name, value in dead_letter_headers(letter, "")
    ]
    assert decode_dead_letter(b"", b"", sent).indexes == (1, 0)
