"""The messages of `results`: JSON with the values that the HTTP API returns for the record."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import jsonschema_rs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.schemas.asyncapi import asyncapi
from relearn.schemas.identity import Place
from relearn.schemas.messages.results import CE_TYPE, ResultMessage, result_messages
from tests.support.data.blocks import block_of

SOURCE = "/relearn/results"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def messages(**given: object) -> list[ResultMessage]:
    return list(result_messages(block_of(**given), source=SOURCE, now_s=1.5))  # type: ignore[arg-type]


def test_a_message_has_the_values_of_its_record_in_the_block() -> None:
    block = block_of(3, k=3, ids=["a", None, "c"], subjects=[None, "s", "t"], batches=["b", None, None], generation=2)
    found = [json.loads(one.value) for one in result_messages(block, source=SOURCE, now_s=1.5)]
    for i, one in enumerate(found):
        assert one == {
            "prediction": str(Place(2, 0, i, 0)),
            "id": block.ids[i],
            "subject": block.subjects[i],
            "batch": block.batches[i],
            "label": block.classes[block.labels[i]],
            "confidence": float(block.confidence[i]),
            "margins": block.margins[i].tolist(),
            "model": 1,
            "activation": 1,
            "ingested_at": datetime.fromtimestamp(block.ingested_at[i], UTC).isoformat(),
            "scored_at": datetime.fromtimestamp(block.scored_at, UTC).isoformat(),
        }


def test_the_key_is_the_subject_else_the_id_else_the_prediction() -> None:
    found = messages(n=3, ids=["i-0", "i-1", None], subjects=["s", None, None], partition=4)
    assert [one.key for one in found] == [b"s", b"i-1", b"4-2-0"]


def test_a_record_has_the_same_event_at_every_reading() -> None:
    """Those who drop repeats by CloudEvents' id and source keep the first result of a record."""
    first, again = (dict(messages(n=1, activation=activation)[0].headers) for activation in (1, 2))
    assert first["ce_id"] == again["ce_id"] == b"0-0-0"
    assert first["ce_source"] == again["ce_source"] == SOURCE.encode()
    assert first["ce_type"] == CE_TYPE.encode()
    assert set(first) == {"ce_specversion", "ce_type", "ce_id", "ce_source", "ce_time"}


def test_an_unknown_confidence_is_null() -> None:
    found = messages(n=2, confidence=np.array([np.nan, 0.25], np.float32))
    assert [json.loads(one.value)["confidence"] for one in found] == [None, 0.25]


@pytest.mark.parametrize("k", [2, 3, 7])
def test_every_message_matches_the_asyncapi_document(k: int) -> None:
    document = asyncapi()
    schema = {**document["components"]["messages"]["results"]["payload"], "components": document["components"]}
    validator = jsonschema_rs.validator_for(schema)
    for one in messages(n=5, k=k, confidence=np.full(5, np.nan, np.float32)):
        validator.validate(json.loads(one.value))


@given(st.integers(0, 4_102_444_800_000_000), st.text(min_size=1, max_size=40).filter(lambda text: "\0" not in text))
def test_times_are_to_the_microsecond_and_texts_as_they_came(us: int, text: str) -> None:
    (one,) = messages(n=1, ingested_at=np.array([us / 1e6]), subjects=[text])
    found = json.loads(one.value)
    assert (found["subject"], one.key) == (text, text.encode())
    assert found["ingested_at"] == (EPOCH + timedelta(microseconds=round(us / 1e6 * 1e6))).isoformat()
