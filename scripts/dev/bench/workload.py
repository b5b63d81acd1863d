"""The work that is measured: models, records in several forms, and scoring some messages."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from confluent_kafka import Producer

from relearn.agents.kafka.config import librdkafka_config
from relearn.agents.models.live import Served
from relearn.agents.models.reading import Reading
from relearn.agents.models.signing_keys import load_signer
from relearn.agents.score.score_records import ScoredChunk, blocks_of, score_parts
from relearn.schemas.messages.ingest import encode_record
from relearn.schemas.messages.predictions import encode_block
from relearn.schemas.messages.records import RawMessage
from relearn.schemas.model.encoder import CategoryPart, Encoder, NumberPart
from relearn.schemas.model.linear_svm import Model
from relearn.schemas.model.signed_updates import Update, encode_update
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name

FEATURES = 30
#: Of a mixed record: as many numbers, and as many categories.
HALF = 10
LEVELS = tuple(f"level {i}" for i in range(30))
#: Packed; a list of numbers; a list of as many numbers as a mixed record has values; a map of numbers and levels.
Form = Literal["packed", "list", "numbers", "mixed"]
FORMS: tuple[Form, ...] = get_args(Form)


def model(features: int = FEATURES) -> Served:
    """A two-class model of numbers."""
    rng = np.random.default_rng(2)
    names = tuple(f"x{i + 1}" for i in range(features))
    zeros, ones = np.zeros(features), np.ones(features)
    return Served(Model(1, ("0", "1"), names, rng.normal(size=(1, features)), np.zeros(1), zeros, ones), 1)


def mixed_model() -> Served:
    """A two-class model of HALF numbers and HALF categories."""
    encoder = Encoder((*[NumberPart(False, 0.0, False)] * HALF, *[CategoryPart(False, LEVELS)] * HALF))
    weights = np.random.default_rng(2).normal(size=(1, encoder.width))
    zeros, ones, names = np.zeros(encoder.width), np.ones(encoder.width), tuple(f"x{i}" for i in range(2 * HALF))
    return Served(Model(1, ("0", "1"), names, weights, np.zeros(1), zeros, ones, encoder=encoder), 1)


def model_of(form: Form) -> Served:
    """The model of records in this form."""
    return mixed_model() if form == "mixed" else model(2 * HALF if form == "numbers" else FEATURES)


def messages_of(form: Form, n: int) -> list[bytes]:
    """n messages with a record each."""
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(n, 2 * HALF if form in {"numbers", "mixed"} else FEATURES))
    if form == "packed":
        return [encode_record(row) for row in rows]
    if form == "mixed":
        levels = rng.integers(0, len(LEVELS), size=(n, HALF)).tolist()
        pairs = zip(rows[:, :HALF].tolist(), levels, strict=True)
        records = ([*numbers, *(LEVELS[i] for i in its)] for numbers, its in pairs)
        maps = ({f"x{i}": value for i, value in enumerate(record)} for record in records)
        return [json.dumps({"features": one}).encode() for one in maps]
    if form == "numbers":
        return [json.dumps({"features": row}).encode() for row in rows.tolist()]
    return [encode_record(row) for row in rows.tolist()]


def publish(settings: Settings, served: Served) -> None:
    """Make the model live for every process of the namespace, as retrain would.

    Raises:
        RuntimeError: the broker didn't take it.
    """
    reason = {"trigger": "bench"}
    update = Update(settings.namespace, "champion", served.activation, served.model, None, reason, time.time())
    producer = Producer(librdkafka_config(settings))
    value = encode_update(update, load_signer(settings))
    producer.produce(topic_name(settings.namespace, "model-updates"), value, b"champion")
    if producer.flush(30):
        raise RuntimeError("the model could not be published")


def score_chunk(messages: Sequence[RawMessage], served: Served, shadow: Served | None = None) -> ScoredChunk:
    """Score some messages whose records fit one part."""
    (scored,) = score_parts(messages, Reading(served, shadow))
    return scored


def blocks(messages: list[RawMessage], served: Served) -> list[tuple[int, bytes]]:
    """The work on some messages: partition and value of each block."""
    scored = score_chunk(messages, served)
    if scored.rejects:
        raise RuntimeError(scored.rejects[0].fault.detail)
    found = blocks_of(scored, Reading(served), generation=0, scored_at=time.time())
    return [(block.partition, encode_block(block)) for block in found]
