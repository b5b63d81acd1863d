"""The work that is measured: a model of 30 features, and scoring some messages with it."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from confluent_kafka import Producer

from relearn.agents.kafka.config import librdkafka_config
from relearn.agents.models.live import Served
from relearn.agents.models.reading import Reading
from relearn.agents.models.signing_keys import load_signer
from relearn.agents.score.score_records import ScoredChunk, blocks_of, score_parts
from relearn.schemas.messages.predictions import encode_block
from relearn.schemas.messages.records import RawMessage
from relearn.schemas.model.linear_svm import Model
from relearn.schemas.model.signed_updates import Update, encode_update
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name

FEATURES = 30


def model() -> Served:
    """A two-class model of 30 features."""
    rng = np.random.default_rng(2)
    names = tuple(f"x{i + 1}" for i in range(FEATURES))
    zeros, ones = np.zeros(FEATURES), np.ones(FEATURES)
    return Served(Model(1, ("0", "1"), names, rng.normal(size=(1, FEATURES)), np.zeros(1), zeros, ones), 1)


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
