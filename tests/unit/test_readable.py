"""What the store role can read, and what becomes a dead letter of the message itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from agents.readable import readable_blocks, readable_letters
from schemas.dead_letters import dead_letter_headers
from schemas.predictions import encode_block
from tests.blocks import block_of


@dataclass(frozen=True)
class Message:
    value: bytes | None
    offset: int = 7
    topic: str = "predictions"
    partition: int = 3
    timestamp: int = 0
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
        encode_block(block_of(2, scored_at=1e300)),
        encode_block(block_of(2, ingested_at=np.array([0.0, 1e300]))),
        encode_block(block_of(2, ingested_at=np.array([0.0, -1.0]))),
    ],
)
def test_what_is_no_block_becomes_a_dead_letter_at_its_own_place(value: bytes | None) -> None:
    """Value, key and headers untouched; the good neighbour is read."""
    good = Message(encode_block(block_of(4)), offset=8)
    blocks, letters = readable_blocks([Message(value), good], now_s=5.0)
    assert [len(block) for block in blocks] == [4]
    (letter,) = letters
    assert (letter.agent, letter.topic, letter.generation, letter.partition, letter.offset, letter.indexes) == (
        "store",
        "predictions",
        0,
        3,
        7,
        (0,),
    )
    assert (letter.key, letter.value, letter.original_headers, letter.at) == (b"k", value, (("h", b"v"),), 5.0)


def test_a_dead_letter_that_cannot_be_read_becomes_one_about_itself() -> None:
    """Its neighbours are read."""
    _, (letter,) = readable_blocks([Message(b"?")], now_s=5.0)
    good = Message(letter.value, headers=dead_letter_headers(letter, "/test"))
    bad = Message(b"x", topic="dead-letters", headers=())
    first, second = readable_letters([good, bad], now_s=6.0)
    assert (first.topic, first.offset, first.value) == ("predictions", 7, b"?")
    assert (second.topic, second.agent, second.value) == ("dead-letters", "store", b"x")
