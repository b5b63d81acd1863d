"""A shadow on the real servers: it answers the records that the champion answers, and its answers are stored apart."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import numpy as np
from confluent_kafka import Producer

from relearn.agents.kafka.config import librdkafka_config
from relearn.agents.learning.predict import predict
from relearn.agents.stores.live.heartbeats import read_workers
from relearn.agents.stores.redis import open_redis
from relearn.schemas.messages.ingest import encode_records
from relearn.schemas.messages.predictions import Block, decode_block
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from tests.support.data import models
from tests.support.data.blocks import assert_same
from tests.support.data.rows import messages, query
from tests.support.processes.workers import workers
from tests.support.waiting import eventually

CLASSES = ("0", "1", "2")
CHAMPION = models.a_model(1, classes=CLASSES)
SHADOW = models.a_model(2, classes=CLASSES, seed=1)
FEATURES = np.random.default_rng(0).normal(size=(300, 4))


def send(settings: Settings) -> None:
    """FEATURES as one message, which is one chunk."""
    producer = Producer(librdkafka_config(settings))
    producer.produce(topic_name(settings.namespace, "ingest"), encode_records(FEATURES, batch="b"), partition=0)
    assert producer.flush(30) == 0


def blocks(settings: Settings, count: int) -> list[Block]:
    """The blocks on the topic, once there are `count`."""
    eventually(lambda: len(messages(settings, "predictions")) >= count, f"{count} blocks never came")
    found = [decode_block(message.value()) for message in messages(settings, "predictions")]
    assert len(found) == count
    return found


def sent_again(block: Block) -> Block:
    """What doesn't depend on when it was sent and scored: champion's answers and all."""
    n = len(block)
    return dataclasses.replace(
        block, offsets=np.zeros(n, np.int64), ingested_at=np.zeros(n), scored_at=0.0, activation=0, shadow=None
    )


def beating(settings: Settings) -> list[Any]:
    """The shadow that each score worker's heartbeat names."""

    async def ask() -> list[Any]:
        async with open_redis(settings) as redis:
            return [worker["shadow"] for worker in await read_workers(redis, settings.namespace)]

    return asyncio.run(ask())


def assert_shadowed(block: Block) -> None:
    labels, margins = predict(SHADOW, block.features)
    assert block.shadow is not None
    assert (block.shadow.model, block.shadow.classes) == (2, CLASSES)
    assert block.shadow.labels.tolist() == labels.tolist()
    np.testing.assert_allclose(block.shadow.margins, margins, rtol=1e-12, atol=1e-12)


def test_a_shadow_comes_answers_beside_the_champion_and_goes(migrated: Settings) -> None:
    """The champion's answers are the same bytes before, during and after it."""
    models.publish(migrated, CHAMPION, 1)
    with workers(migrated, score=1) as found:
        score = found["score-1"]
        score.wait_for("worker_ready")
        send(migrated)
        (before,) = blocks(migrated, 1)
        models.publish_shadow(migrated, SHADOW, 2)
        score.wait_for("event=shadow_begun")
        send(migrated)
        during = blocks(migrated, 2)[-1]
        eventually(lambda: beating(migrated) == [2], lambda: f"the heartbeat has {beating(migrated)}")
        models.publish_shadow(migrated, models.a_model(3, d=5), 3)
        score.wait_for("event=model_refused")
        models.publish_shadow(migrated, None, 4)
        score.wait_for("event=shadow_ended")
        send(migrated)
        after = blocks(migrated, 3)[-1]
        eventually(lambda: beating(migrated) == [None], lambda: f"the heartbeat has {beating(migrated)}")
    assert before.shadow is None
    assert_shadowed(during)
    assert after.shadow is None
    for block in (during, after):
        assert_same(sent_again(block), sent_again(before))


def test_the_store_keeps_what_the_shadow_said_apart(migrated: Settings) -> None:
    """A shadow that stood on the topic before any champion did, and answers from the first chunk."""
    models.publish_shadow(migrated, SHADOW, 1)
    models.publish(migrated, CHAMPION, 2)
    with workers(migrated, score=1, store=1) as found:
        found["score-1"].wait_for("worker_ready")
        send(migrated)
        count = "SELECT count(*) FROM shadow_predictions"
        eventually(lambda: query(migrated, count)[0][0] == len(FEATURES), "the shadow's answers were not stored")
        found["score-1"].kill()
        found["store-1"].kill()
    ours, theirs = (predict(model, FEATURES)[0] for model in (CHAMPION, SHADOW))
    assert (ours != theirs).any()
    assert (ours == theirs).any()
    rows = query(
        migrated,
        "SELECT p.model, p.label, s.model AS shadow, s.label AS other, s.disagrees FROM predictions p"
        " JOIN shadow_predictions s USING (generation, kafka_partition, kafka_offset, record_index, ingested_at)"
        " ORDER BY kafka_offset, record_index",
    )
    assert [tuple(row) for row in rows] == [
        (1, CLASSES[one], 2, CLASSES[other], bool(one != other)) for one, other in zip(ours, theirs, strict=True)
    ]
