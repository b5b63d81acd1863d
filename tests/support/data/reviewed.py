"""Predictions and their statements, put into Postgres as store and feedback workers would."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np

from relearn.agents.kafka.topics import admin_client, topic_id
from relearn.agents.learning.predict import score
from relearn.agents.stores.postgres import Pool, open_pool
from relearn.agents.stores.predictions.insert import store_blocks
from relearn.agents.stores.topic_generations import register_generation
from relearn.schemas.messages.shadow_answers import ShadowAnswers
from relearn.schemas.model.linear_svm import Floats, Model, decode_model
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from tests.support.data.blocks import NOON_S, block_of
from tests.support.data.rows import query, value

_CORRECT = """
INSERT INTO corrections (feedback, sent_at, sent_partition, sent_offset, label, reviewer, via, generation,
    kafka_partition, kafka_offset, record_index, ingested_at, key, features, predicted, model, activation, principal)
SELECT gen_random_uuid()::text, clock_timestamp(), 0, u.o, u.l, $3, $4, generation, kafka_partition, kafka_offset,
    record_index, ingested_at, coalesce(subject, 'key-' || kafka_offset), features, label, model, activation, $5
FROM predictions JOIN unnest($1::bigint[], $2::text[]) AS u (o, l) ON kafka_offset = u.o AND kafka_partition = 0
"""


def model_of(settings: Settings, version: int) -> Model:
    """A registered model."""
    return decode_model(value(settings, "SELECT body FROM models WHERE version = $1", version))


def records(n: int, *, seed: int = 5, d: int = 4) -> tuple[Floats, list[str]]:
    """Records as `retrains.load` makes them, and their right labels."""
    features = np.random.default_rng(seed).normal(size=(n, d))
    return features, ["yes" if row[0] > 0 else "no" for row in features]


def answers_of(model: Model, features: Floats) -> dict[str, Any]:
    """The answers of `model` to (n, d) records, as `block_of` takes them."""
    scores = score(model, features)
    return {
        "features": features,
        "classes": model.classes,
        "labels": scores.labels,
        "margins": scores.margins,
        "confidence": scores.confidence,
        "model": model.version,
    }


def predict(
    settings: Settings, features: Floats, model: Model, *, activation: int = 1, shadow: Model | None = None
) -> tuple[list[int], list[str], list[str]]:
    """Store predictions of these records, at the end of partition 0: offsets, the model's labels, the shadow's."""
    first = int(value(settings, "SELECT coalesce(max(kafka_offset), -1) + 1 FROM predictions"))
    columns = {**answers_of(model, features), "activation": activation}
    beside: list[str] = []
    if shadow is not None:
        answers = score(shadow, features)
        columns["shadow"] = ShadowAnswers(
            shadow.version, activation + 1, shadow.classes, answers.labels, answers.margins
        )
        beside = [shadow.classes[i] for i in answers.labels]
    block = block_of(len(features), first_offset=first, **columns)
    ingest = topic_name(settings.namespace, "ingest")

    async def store(pool: Pool) -> None:
        with admin_client(settings) as admin:
            await register_generation(pool, ingest, await topic_id(admin, ingest))
        await store_blocks(pool, [block], topic=ingest, retention_days=30, now_s=NOON_S)

    _with_pool(settings, store)
    return block.offsets.tolist(), [model.classes[i] for i in columns["labels"]], beside


def review(
    settings: Settings,
    offsets: Sequence[int],
    labels: Sequence[str | None],
    *,
    via: str = "audit",
    by: str = "ann",
    key: str | None = None,
) -> None:
    """Say a label of each prediction. `key`: the id of the API key that sends it."""
    query(settings, _CORRECT, list(offsets), list(labels), by, via, key)


def job_of(settings: Settings, trigger: str) -> dict[str, Any] | None:
    """The newest job with that trigger."""
    found = query(settings, "SELECT * FROM jobs WHERE reason->>'trigger' = $1 ORDER BY number DESC LIMIT 1", trigger)
    return {**found[0], "reason": json.loads(found[0]["reason"])} if found else None


def a_job_id() -> str:
    return str(uuid.uuid4())


def _with_pool(settings: Settings, work: Any) -> None:
    async def run() -> None:
        pool = await open_pool(settings, size=1)
        try:
            await work(pool)
        finally:
            pool.terminate()

    asyncio.run(run())
