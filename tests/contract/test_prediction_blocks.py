"""Prediction blocks: what is encoded is decoded, what doesn't fit is refused, none is too large for the broker.

A shadow's answers that don't fit are left out, and cost no record.
"""

from __future__ import annotations

import base64
import dataclasses
import json

import msgpack
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from relearn.agents.models.live import Served
from relearn.agents.models.reading import Reading
from relearn.agents.score.score_records import blocks_of
from relearn.schemas.errors import BadMessage
from relearn.schemas.messages.ingest import encode_record
from relearn.schemas.messages.predictions import Block, decode_block, encode_block
from relearn.schemas.messages.shadow_answers import NO_ANSWER
from relearn.schemas.model.linear_svm import Model
from relearn.schemas.topics import BLOCK_MAX_BYTES
from relearn.scripts.dev.bench.workload import score_chunk
from tests.support.data.blocks import assert_same, shadow_of
from tests.support.data.messages import FakeMessage
from tests.support.data.models import a_model


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
    assert_same(decode_block(encode_block(a_block(classes=classes))), a_block(classes=classes))


def _with(fields: dict[str, object], changes: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in {**fields, **changes}.items() if value != "gone"}


def _changed(**changes: object) -> bytes:
    return bytes(msgpack.packb(_with(msgpack.unpackb(encode_block(a_block())), changes)))


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


labels = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@given(n=st.integers(1, 5), classes=st.lists(labels, min_size=2, max_size=5), data=st.data())
def test_a_shadows_answers_are_read_as_they_were_written(n: int, classes: list[str], data: st.DataObject) -> None:
    """Any float64 for a margin, and no answer for some of the records, or for all of them."""
    k = len(classes)
    width = 1 if k == 2 else k
    margins = data.draw(st.lists(st.floats(), min_size=n * width, max_size=n * width))
    answers = data.draw(st.lists(st.integers(NO_ANSWER, k - 1), min_size=n, max_size=n))
    shadow = shadow_of(
        n,
        classes=tuple(classes),
        labels=np.array(answers, np.int16),
        margins=np.array(margins).reshape(n, width),
        model=data.draw(st.integers(0, 2**31 - 1)),
        activation=data.draw(st.integers(0, 2**31 - 1)),
    )
    block = dataclasses.replace(a_block(n), shadow=shadow)
    assert_same(decode_block(encode_block(block)), block)


def test_a_block_without_a_shadow_has_no_key_for_one() -> None:
    assert "shadow" not in msgpack.unpackb(encode_block(a_block()))


WRONG_SHADOW: dict[str, object] = {
    "text": "shadow",
    "a number": 7,
    "a list": [],
    "nothing in it": {},
    "no model": {"model": "gone"},
    "a model of another type": {"model": "2"},
    "a model of no number": {"model": None},
    "a negative model": {"model": -1},
    "a model that no column holds": {"model": 2**31},
    "a negative activation": {"activation": -1},
    "an activation that no column holds": {"activation": 2**31},
    "no classes": {"classes": []},
    "one class": {"classes": ["0"], "labels": np.zeros(3, "<i2").tobytes()},
    "a class that is a number": {"classes": [0, 1, 2]},
    "a NUL in a class": {"classes": ["0", "1\0", "2"]},
    "a class that is too long": {"classes": ["0", "1" * 257, "2"]},
    "a class that isn't UTF-8": {"classes": ["0", "1", "\ud800"]},
    "no labels": {"labels": "gone"},
    "labels of too few records": {"labels": np.zeros(2, "<i2").tobytes()},
    "labels of too many records": {"labels": np.zeros(4, "<i2").tobytes()},
    "half a label": {"labels": b"\0" * 5},
    "a label outside the classes": {"labels": np.array([0, 1, 3], "<i2").tobytes()},
    "a label below none": {"labels": np.array([0, 1, -2], "<i2").tobytes()},
    "margins of fewer classes": {"margins": np.zeros(3, "<f8").tobytes()},
    "margins of another length": {"margins": b"\0" * 71},
    "margins as a list": {"margins": [0.0] * 9},
}


def _shadowed(change: object) -> bytes:
    """A block whose shadow has these keys changed, or is that thing altogether."""
    fields = msgpack.unpackb(encode_block(dataclasses.replace(a_block(), shadow=shadow_of(3, k=3))))
    fields["shadow"] = _with(fields["shadow"], change) if change and isinstance(change, dict) else change
    return bytes(msgpack.packb(fields, unicode_errors="surrogatepass"))


@pytest.mark.parametrize("change", WRONG_SHADOW.values(), ids=WRONG_SHADOW)
def test_a_shadow_that_cannot_be_is_left_out_and_the_block_is_read(change: object) -> None:
    told: list[BadMessage] = []
    assert_same(decode_block(_shadowed(change), without_shadow=told.append), a_block())
    assert len(told) == 1
    assert_same(decode_block(_shadowed(change)), a_block())


def test_a_shadow_that_is_nil_is_none_and_unknown_keys_of_one_are_ignored() -> None:
    told: list[BadMessage] = []
    assert_same(decode_block(_shadowed(None), without_shadow=told.append), a_block())
    later = decode_block(_shadowed({"later": [1, {}]}), without_shadow=told.append)
    assert_same(later, dataclasses.replace(a_block(), shadow=shadow_of(3, k=3)))
    assert told == []


@pytest.mark.parametrize("shadow", [{"model": 1}, None, "text"])
def test_a_block_typed_as_json_is_read_with_or_without_its_shadow(shadow: object) -> None:
    """As any value that begins with a brace; packed columns stand in base64."""

    def text(packed: bytes) -> str:
        return base64.b64encode(packed).decode()

    fields = msgpack.unpackb(encode_block(dataclasses.replace(a_block(), shadow=shadow_of(3, k=3))))
    good = decode_block(json.dumps(fields, default=text).encode())
    assert_same(good, dataclasses.replace(a_block(), shadow=shadow_of(3, k=3)))
    assert_same(decode_block(json.dumps({**fields, "shadow": shadow}, default=text).encode()), a_block())


@given(st.binary(max_size=60))
def test_random_bytes_in_the_place_of_a_shadow_are_left_out(value: bytes) -> None:
    """As a text of bytes, whatever they are."""
    assert_same(decode_block(_shadowed(value)), a_block())


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(value: bytes) -> None:
    with pytest.raises(BadMessage):
        decode_block(value)


@settings(deadline=None, max_examples=30)
@given(
    n=st.integers(1, 3000),
    text=st.sampled_from([None, "", "x" * 256, "é" * 128]),
    shadow_classes=st.sampled_from([0, 2, 3, 300]),
)
@example(n=3000, text=None, shadow_classes=300)
def test_no_block_is_too_large_and_none_of_its_records_is_left_out(
    n: int, text: str | None, shadow_classes: int
) -> None:
    """A shadow of many classes takes more than the features do, and their names more than one might think."""
    model, shadow = a_model(1, d=30), None
    if shadow_classes:
        shadow = Served(a_model(2, d=30, classes=tuple(f"{i:0256}" for i in range(shadow_classes))), 2)
    value = encode_record(np.ones(30), record_id=text, subject=text, batch=text, context=text and text * 8)
    messages = [FakeMessage(value, offset=i // 2, partition=i % 2) for i in range(n)]
    served = Served(model, 1)
    chunk = sorted(messages, key=lambda m: m.partition)
    blocks = blocks_of(score_chunk(chunk, served, shadow), Reading(served, shadow), generation=0, scored_at=0.0)
    assert all((block.shadow is None) == (shadow is None) for block in blocks)
    assert all(len(encode_block(block)) < BLOCK_MAX_BYTES for block in blocks)
    stored = [(block.partition, int(offset)) for block in blocks for offset in block.offsets]
    assert sorted(stored) == sorted((m.partition, m.offset) for m in messages)


def test_a_margin_that_overflows_is_a_dead_letter_and_its_neighbour_is_scored() -> None:
    model = Model(1, ("0", "1"), ("a", "b"), np.array([[1e300, 1.0]]), np.zeros(1), np.zeros(2), np.ones(2))
    messages = [FakeMessage(encode_record([1e300, 1.0]), offset=0), FakeMessage(encode_record([1e-300, 1.0]), offset=1)]
    scored = score_chunk(messages, Served(model, 1))
    assert scored.records.offsets.tolist() == [1]
    assert [(r.message.offset, r.fault.reason) for r in scored.rejects] == [(0, "overflow")]
