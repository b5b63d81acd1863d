"""Dead letters: the original untouched, what and where in headers, and never more than a bounded copy of it."""

from __future__ import annotations

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.schemas.errors import BadMessage
from relearn.schemas.messages.dead_letter_cut import COPIES_MAX_BYTES, dead_letters
from relearn.schemas.messages.dead_letters import DeadLetter, dead_letter_headers, decode_dead_letter
from relearn.schemas.messages.headers import header_text
from relearn.schemas.messages.records import Fault, Reject
from tests.support.data.messages import FakeMessage, decode_chunk


def _letters(message: FakeMessage, *indexes: int) -> list[DeadLetter]:
    rejects = [Reject(message, Fault(index, "not-finite", "a: not a finite number")) for index in indexes]
    return list(dead_letters(rejects, agent="score", generation=0, now_s=1.5))


def test_the_original_key_and_value_are_untouched() -> None:
    message = FakeMessage(b"\xff\x00raw", key=b"k", offset=7, partition=3)
    (letter,) = _letters(message, 0)
    assert (letter.key, letter.value) == (b"k", b"\xff\x00raw")


def test_the_headers_give_the_fault_and_its_place() -> None:
    (letter,) = _letters(FakeMessage(b"x", offset=7, partition=3), 2)
    headers = dead_letter_headers(letter, "/relearn/score-1")
    names = ("agent", "reason", "topic", "generation", "partition", "offset", "index", "time")
    found = [header_text(headers, name) for name in names]
    assert found == ["score", "not-finite", "relearn.ingest", "0", "3", "7", "2", "1.500000"]
    assert header_text(headers, "ce_type") == "relearn.dead-letter.v1"


def test_a_dead_letter_is_read_as_it_was_written() -> None:
    message = FakeMessage(b"x", key=b"k", headers=(("traceparent", b"00-1"), ("reason", b"theirs"), ("ce_id", b"1")))
    (letter,) = _letters(message, 0)
    read = decode_dead_letter(letter.key, letter.value, dead_letter_headers(letter, "/relearn/score-1"))
    assert (read.reason, read.indexes, read.at) == ("not-finite", (0,), 1.5)
    assert ("traceparent", b"00-1") in read.original_headers


def test_a_few_bad_records_of_a_small_message_are_letters_of_their_own() -> None:
    assert [letter.indexes for letter in _letters(FakeMessage(b"x"), 0, 5, 9)] == [(0,), (5,), (9,)]


def test_a_large_message_full_of_bad_records_is_not_copied_for_each() -> None:
    n = 20_000
    value = msgpack.packb({"n": n, "features": np.full((n, 3), np.nan).tobytes()})
    _, rejects = decode_chunk([FakeMessage(value)], ("a", "b", "c"))
    letters = list(dead_letters(rejects, agent="score", generation=0, now_s=0.0))
    assert sum(len(letter.value or b"") for letter in letters) <= COPIES_MAX_BYTES
    assert sorted(index for letter in letters for index in letter.indexes) == list(range(n))


@pytest.mark.parametrize("missing", ["agent", "reason", "error", "topic", "generation", "offset", "index", "time"])
def test_a_letter_without_one_of_its_headers_is_refused(missing: str) -> None:
    (letter,) = _letters(FakeMessage(b"x"), 0)
    headers = [(name, value) for name, value in dead_letter_headers(letter, "/x") if name != missing]
    with pytest.raises(BadMessage):
        decode_dead_letter(b"", b"", headers)


@given(st.sampled_from(["generation", "partition", "offset", "index", "time"]), st.binary(max_size=30))
def test_a_header_that_is_no_number_is_refused_or_read(name: str, value: bytes) -> None:
    (letter,) = _letters(FakeMessage(b"x"), 0)
    headers = [(key, value if key == name else old) for key, old in dead_letter_headers(letter, "/x")]
    try:
        read = decode_dead_letter(None, None, headers)
    except BadMessage:
        return
    assert min(read.generation, read.partition, read.offset, *read.indexes) >= 0
