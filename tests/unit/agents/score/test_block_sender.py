"""Blocks in pieces that fit their topic: no record is lost or doubled, and what doesn't fit alone is known."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.models.live import Served
from relearn.agents.models.reading import Reading
from relearn.agents.score.block_sender import block_message_bytes, fitting
from relearn.agents.score.score_records import blocks_of
from relearn.schemas.messages.ingest import encode_record
from relearn.schemas.messages.predictions import Block, decode_block
from relearn.scripts.dev.bench.workload import score_chunk
from tests.support.data.messages import FakeMessage
from tests.support.data.models import a_model


def a_block(n: int, d: int, context: int, *, shadow: bool) -> Block:
    value = encode_record(np.ones(d), context="x" * context)
    classes = tuple(f"{i:0100}" for i in range(3))
    other = Served(a_model(2, d=d, classes=tuple(f"{i:0256}" for i in range(40))), 2) if shadow else None
    messages = [FakeMessage(value, offset=i) for i in range(n)]
    served = Served(a_model(1, d=d, classes=classes), 1)
    scored, reading = score_chunk(messages, served, other), Reading(served, other)
    (block,) = blocks_of(scored, reading, generation=0, scored_at=0.0, limit_bytes=10_000_000)
    return block


@given(st.integers(1, 40), st.integers(1, 200), st.sampled_from([0, 2000]), st.booleans(), st.integers(500, 50_000))
def test_pieces_fit_and_hold_each_record_once(n: int, d: int, context: int, shadow: bool, limit_bytes: int) -> None:
    pieces = list(fitting(a_block(n, d, context, shadow=shadow), limit_bytes))
    assert [int(offset) for piece, _ in pieces for offset in piece.offsets] == list(range(n))
    for piece, value in pieces:
        if value is None:
            assert len(piece) == 1
            assert piece.shadow is None
        else:
            assert block_message_bytes(value) <= limit_bytes
            assert decode_block(value).offsets.tolist() == piece.offsets.tolist()


def test_a_record_that_fits_without_the_answers_of_the_shadow_is_sent_without_them() -> None:
    """The champion's answer counts; a shadow of many classes may take more than the features do."""
    ((piece, value),) = fitting(a_block(1, 4, 0, shadow=True), 2_000)
    assert value is not None
    assert piece.shadow is None


def test_a_record_wider_than_any_block_is_not_sent() -> None:
    """131,072 features take the whole of what Kafka's default allows."""
    ((piece, value),) = fitting(a_block(1, 131_072, 0, shadow=False), 1_048_588)
    assert (len(piece), value) == (1, None)
