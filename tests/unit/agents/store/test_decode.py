"""What the store role can read, and what becomes a dead letter of the message itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from relearn.agents.store.decode import Known, decode_blocks, decode_letters, split_known
from relearn.agents.stores.predictions.partitions import day_of
from relearn.schemas.messages.dead_letters import dead_letter_headers
from relearn.schemas.messages.predictions import encode_block
from tests.support.data.blocks import assert_same, block_of, shadow_of

#: The last day of the last year that Python knows.
LAST_DAY_S = datetime(9999, 12, 31, tzinfo=UTC).timestamp()


@dataclass(frozen=True)
class Message:
    value: bytes | None
    offset: int = 7
    topic: str = "predictions"
    partition: int = 3
    timestamp: int = 0
    timestamp_type: int = 0
    key: bytes | None = b"k"
    headers: Any = (("h", b"v"),)


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"\xc1",
        b"{}",
        encode_block(block_of(2))[:-5],
        encode_block(block_of(2, generation=2**31)),
        encode_block(block_of(2, activation=2**40)),
        encode_block(block_of(2, partition=2_000_000)),
        encode_block(block_of(2, scored_at=1e300)),
        encode_block(block_of(2, ingested_at=np.array([0.0, 1e300]))),
        encode_block(block_of(2, ingested_at=np.array([0.0, -1.0]))),
        encode_block(block_of(2, ingested_at=np.array([0.0, LAST_DAY_S]))),
        encode_block(block_of(1, features=np.array([[1.0, np.inf, 2.0]]))),
        encode_block(block_of(1, margins=np.array([[np.inf]]))),
    ],
)
def test_what_is_no_block_becomes_a_dead_letter_at_its_own_place(value: bytes | None) -> None:
    """Value, key and headers untouched; the good neighbour is read."""
    good = Message(encode_block(block_of(4)), offset=8)
    blocks, letters = decode_blocks([Message(value), good], generation=2, now_s=5.0)
    assert [len(one.block) for one in blocks] == [4]
    (letter,) = letters
    assert (letter.agent, letter.topic, letter.generation, letter.partition, letter.offset, letter.indexes) == (
        "store",
        "predictions",
        2,
        3,
        7,
        (0,),
    )
    assert (letter.key, letter.value, letter.original_headers, letter.at) == (b"k", value, (("h", b"v"),), 5.0)


def test_what_is_readable_has_a_day_that_a_partition_can_be_made_for() -> None:
    """The last moment that is taken: its day has a next one, which is where its partition ends."""
    blocks, _ = decode_blocks(
        [Message(encode_block(block_of(1, ingested_at=np.array([LAST_DAY_S - 1]))))], generation=2, now_s=5.0
    )
    assert day_of(float(blocks[0].block.ingested_at[0])) + timedelta(days=1) == date.max


def test_a_shadow_that_cannot_be_read_costs_no_record() -> None:
    """The block comes without it, and a warning names its place; its neighbour keeps its own."""
    bad = Message(encode_block(block_of(2, shadow=shadow_of(3))))
    good = Message(encode_block(block_of(4, shadow=shadow_of(4))), offset=8)
    with capture_logs() as said:
        blocks, letters = decode_blocks([bad, good], generation=2, now_s=5.0)
    assert letters == []
    assert_same(blocks[0].block, block_of(2))
    assert_same(blocks[1].block, block_of(4, shadow=shadow_of(4)))
    (line,) = said
    assert (line["event"], line["log_level"], line["reason"]) == ("shadow_unreadable", "warning", "length")
    assert (line["topic"], line["partition"], line["offset"]) == ("predictions", 3, 7)


def test_a_dead_letter_that_cannot_be_read_becomes_one_about_itself() -> None:
    """Its neighbours are read."""
    _, (letter,) = decode_blocks([Message(b"?")], generation=2, now_s=5.0)
    good = Message(letter.value, topic="dead-letters", headers=dead_letter_headers(letter, "/test"))
    bad = Message(b"x", topic="dead-letters", headers=())
    first, second = decode_letters([good, bad], generation=2, now_s=6.0)
    assert (first.topic, first.offset, first.value) == ("predictions", 7, b"?")
    assert (second.topic, second.agent, second.value) == ("dead-letters", "store", b"x")


@pytest.mark.parametrize("topic", ["ns2.ingest", "ingest", "ns.answers", "ns.", ""])
def test_a_letter_about_a_topic_of_others_becomes_one_about_itself(topic: str) -> None:
    """Totals are kept per topic, and a program that can write to `dead-letters` chooses the names."""
    _, (letter,) = decode_blocks([Message(b"?")], generation=2, now_s=5.0)
    forged = replace(letter, topic=topic)
    message = Message(b"?", topic="ns.dead-letters", headers=dead_letter_headers(forged, "/test"))
    (found,) = decode_letters([message], generation=2, now_s=6.0)
    assert (found.topic, found.reason) == ("ns.dead-letters", "invalid")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"generation": 1}, "invalid"),
        ({"d": 4}, "dimension"),
    ],
)
def test_a_block_about_no_record_of_the_namespace_is_a_dead_letter(given: dict[str, Any], reason: str) -> None:
    """It would make totals of its own, or rows that training can't use."""
    messages = [Message(encode_block(block_of(1, **given))), Message(encode_block(block_of(1)))]
    decoded, _ = decode_blocks(messages, generation=0, now_s=5.0)
    known = Known(0, frozenset({3}))
    with capture_logs() as said:
        blocks, letters = split_known(decoded, known, generation=0, now_s=5.0)
    assert (len(blocks), [letter.reason for letter in letters]) == (1, [reason])
    assert [line["event"] for line in said] == ["dead_letter"]


@pytest.mark.parametrize(("stamped", "at_s"), [(1, 12.5), (0, None)])
def test_a_block_has_the_time_at_which_the_broker_appended_it(stamped: int, at_s: float | None) -> None:
    """None where its producer set the time."""
    message = Message(encode_block(block_of(1)), timestamp=12_500, timestamp_type=stamped)
    (found,), _ = decode_blocks([message], generation=0, now_s=5.0)
    assert found.block.appended_s == at_s
