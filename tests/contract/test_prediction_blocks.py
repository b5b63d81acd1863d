"""Prediction blocks: what is encoded is decoded, what doesn't fit is refused, none is too large for the broker."""

from __future__ import annotations

import dataclasses

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.live_model import Served
from agents.scored import blocks_of, score_chunk
from schemas.errors import BadMessage
from schemas.ingest import encode_record
from schemas.model import Model
from schemas.predictions import Block, decode_block, encode_block
from schemas.topics import BLOCK_MAX_BYTES
from tests.messages import FakeMessage


def a_block(n: int = 3, classes: tuple[str, ...] = ("0", "1", "2")) -> Block:
    k = len(classes)
    return Block(
        generation=0,
        partition=2,
        offsets=np.arange(n, dtype=np.int64) + 10_481,
        indexes=np.zeros(n, dtype=np.int32),
        ingested_at=np.full(n, 1_700_000_000.123),
        ids=[None] * n,
        subjects=[f"s-{i}" for i in range(n)],
        batches=["b"] * n,
        contexts=[None] * n,
        features=np.arange(2 * n, dtype=np.float64).reshape(n, 2),
        classes=classes,
        labels=np.zeros(n, dtype=np.int16),
        margins=np.ones((n, 1 if k == 2 else k)),
        confidence=np.full(n, np.nan, dtype=np.float32),
        model=7,
        activation=9,
        scored_at=1_700_000_000.5,
    )


@pytest.mark.parametrize("classes", [("no", "yes"), ("0", "1", "2")])
def test_a_block_is_read_as_it_was_written(classes: tuple[str, ...]) -> None:
    block = a_block(classes=classes)
    read = decode_block(encode_block(block))
    for field in dataclasses.fields(Block):
        np.testing.assert_array_equal(getattr(read, field.name), getattr(block, field.name))


def _changed(**changes: object) -> bytes:
    fields = msgpack.unpackb(encode_block(a_block()))
    return bytes(msgpack.packb({key: value for key, value in {**fields, **changes}.items() if value != "gone"}))


WRONG = {
    "another version": {"v": 2},
    "no offsets": {"offsets": b""},
    "half an offset": {"offsets": b"\0" * 7},
    "features of another length": {"features": b"\0" * 41},
    "a label outside the classes": {"labels": np.array([0, 1, 3], "<i2").tobytes()},
    "a negative label": {"labels": np.array([0, 1, -1], "<i2").tobytes()},
    "one class": {"classes": ["0"]},
    "too few ids": {"ids": [None]},
    "a NUL in an id": {"ids": ["a\0", None, None]},
    "a negative offset": {"offsets": np.array([-1, 0, 1], "<i8").tobytes()},
    "a time that isn't one": {"ingested_at": np.array([0, np.nan, 1], "<f8").tobytes()},
    "a negative model": {"model": -1},
    "a missing field": {"margins": "gone"},
    "a field of another type": {"partition": "2"},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
def test_a_block_that_cannot_be_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BadMessage):
        decode_block(_changed(**changes))


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(value: bytes) -> None:
    with pytest.raises(BadMessage):
        decode_block(value)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 3000), st.sampled_from([None, "", "x" * 256, "é" * 128]))
def test_no_block_is_too_large_and_none_of_its_records_is_left_out(n: int, text: str | None) -> None:
    model = Model(
        1, ("0", "1"), tuple(f"x{i}" for i in range(30)), np.ones((1, 30)), np.zeros(1), np.zeros(30), np.ones(30)
    )
    value = encode_record(np.ones(30), record_id=text, subject=text, batch=text, context=text and text * 8)
    messages = [FakeMessage(value, offset=i // 2, partition=i % 2) for i in range(n)]
    served = Served(model, 1)
    chunk = sorted(messages, key=lambda m: m.partition)
    blocks = blocks_of(score_chunk(chunk, served), served, generation=0, scored_at=0.0)
    assert all(len(encode_block(block)) < BLOCK_MAX_BYTES for block in blocks)
    stored = [(block.partition, int(offset)) for block in blocks for offset in block.offsets]
    assert sorted(stored) == sorted((m.partition, m.offset) for m in messages)


def test_a_margin_that_overflows_is_a_dead_letter_and_its_neighbour_is_scored() -> None:
    model = Model(1, ("0", "1"), ("a", "b"), np.array([[1e300, 1.0]]), np.zeros(1), np.zeros(2), np.ones(2))
    messages = [FakeMessage(encode_record([1e300, 1.0]), offset=0), FakeMessage(encode_record([1e-300, 1.0]), offset=1)]
    scored = score_chunk(messages, Served(model, 1))
    assert scored.records.offsets.tolist() == [1]
    assert [(r.message.offset, r.fault.reason) for r in scored.rejects] == [(0, "overflow")]
