"""A chunk scored by a champion and a shadow: the shadow answers what the champion answers, and changes none of it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.learning.predict import score
from relearn.agents.models.live import Served
from relearn.agents.models.reading import Reading
from relearn.agents.score.score_records import ScoredChunk, blocks_of, shadow_answers
from relearn.schemas.messages.ingest import encode_record
from relearn.schemas.messages.ingest_fast_path import decode_parts
from relearn.schemas.messages.predictions import Block
from relearn.schemas.messages.shadow_answers import NO_ANSWER
from relearn.schemas.model.linear_svm import Model
from relearn.scripts.dev.bench.workload import score_chunk
from tests.support.data.blocks import assert_same
from tests.support.data.messages import FakeMessage
from tests.support.data.models import a_model

CHAMPION = Served(a_model(1, classes=("0", "1", "2")), 3)
SHADOW = Served(a_model(2, classes=("0", "1", "2"), seed=1), 4)


def chunk(n: int = 20, partitions: int = 2, seed: int = 0) -> list[FakeMessage]:
    """n messages of one record each, partition by partition; every seventh can't be read."""
    features = np.random.default_rng(seed).normal(size=(n, 4))
    values = [encode_record(row, subject=f"s-{i}") if i % 7 else b"rubbish" for i, row in enumerate(features)]
    found = [FakeMessage(value, offset=i, partition=i % partitions) for i, value in enumerate(values)]
    return sorted(found, key=lambda one: one.partition)


def blocks(scored: ScoredChunk) -> list[Block]:
    return blocks_of(scored, Reading(CHAMPION), generation=0, scored_at=5.0)


def test_without_a_shadow_there_are_no_answers_of_one() -> None:
    assert score_chunk(chunk(), CHAMPION).shadow is None
    assert all(block.shadow is None for block in blocks(score_chunk(chunk(), CHAMPION)))


@given(st.integers(1, 40), st.integers(1, 3), st.sampled_from([("0", "1", "2"), ("2", "0"), ("x", "y", "z", "0")]))
def test_a_shadow_answers_each_record_of_each_block_and_changes_nothing_else(
    n: int, partitions: int, classes: tuple[str, ...]
) -> None:
    """Its classes may be others than the champion's, and in another order."""
    messages = chunk(n, partitions)
    shadow = Served(a_model(2, classes=classes, seed=1), 4)
    alone, both = score_chunk(messages, CHAMPION), score_chunk(messages, CHAMPION, shadow)
    assert both.rejects == alone.rejects
    for one, other in zip(blocks(alone), blocks(both), strict=True):
        assert_same(dataclasses.replace(other, shadow=None), one)
        assert other.shadow is not None
        expected = score(shadow.model, other.features)
        assert (other.shadow.model, other.shadow.activation, other.shadow.classes) == (2, 4, classes)
        assert other.shadow.labels.tolist() == expected.labels.tolist()
        np.testing.assert_allclose(other.shadow.margins, expected.margins, rtol=1e-12, atol=1e-12)


def test_a_chunk_without_one_good_record_has_no_block() -> None:
    assert blocks(score_chunk([FakeMessage(b"rubbish")], CHAMPION, SHADOW)) == []


def _line(*weights: float, classes: int = 2) -> Model:
    rows = 1 if classes == 2 else classes
    matrix = np.array([weights] * rows)
    names = tuple(str(i) for i in range(classes))
    return Model(1, names, ("a", "b"), matrix, np.zeros(rows), np.zeros(2), np.ones(2))


@pytest.mark.parametrize("classes", [2, 3])
def test_a_record_whose_margin_overflows_for_the_shadow_alone_has_no_answer_of_it(classes: int) -> None:
    """Too large, or infinity less infinity; its neighbour is answered, and the champion's answers are all there."""
    features = np.array([[1e300, 0.0], [1.0, 1.0], [1e300, -1e300]])
    messages = [FakeMessage(encode_record(row), offset=i) for i, row in enumerate(features)]
    scored = score_chunk(messages, Served(_line(1.0, 1.0), 1), Served(_line(1e300, 1e300, classes=classes), 2))
    assert scored.rejects == []
    assert scored.records.offsets.tolist() == [0, 1, 2]
    assert scored.shadow is not None
    assert (scored.shadow.labels == NO_ANSWER).tolist() == [True, False, True]


def test_a_record_whose_margin_overflows_for_the_champion_is_not_asked_of_the_shadow() -> None:
    messages = [FakeMessage(encode_record(row), offset=i) for i, row in enumerate([[1e300, 1.0], [1.0, 1.0]])]
    scored = score_chunk(messages, Served(_line(1e300, 1.0), 1), Served(_line(1.0, 1.0), 2))
    assert [reject.fault.reason for reject in scored.rejects] == ["overflow"]
    assert scored.shadow is not None
    assert len(scored.shadow.labels) == len(scored.records) == 1


def test_a_shadow_with_a_calibration_that_makes_no_sense_answers_all_the_same() -> None:
    """A shadow's confidence is never used."""
    shadow = Served(dataclasses.replace(SHADOW.model, calibration={"nonsense": 1}), 4)
    messages = [FakeMessage(encode_record([1.0] * 4), offset=i) for i in range(3)]
    (records, _), *_ = decode_parts(messages, SHADOW.model.schema)
    answers = shadow_answers(shadow, Reading(CHAMPION, shadow), records)
    assert_same(answers, shadow_answers(SHADOW, Reading(CHAMPION, SHADOW), records))
