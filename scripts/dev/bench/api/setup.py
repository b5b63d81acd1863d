"""The API on servers of its own, with a model and stored predictions, and the requests that are measured."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import numpy as np

from relearn.agents.learning.predict import score
from relearn.agents.stores.postgres import open_pool
from relearn.agents.stores.predictions.insert import store_blocks
from relearn.schemas.messages.predictions import Block
from relearn.schemas.model.linear_svm import Floats, Model
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from relearn.scripts.client.migrations import run_migrations
from relearn.scripts.dev.bench import api_process
from relearn.scripts.dev.bench.api.load import Request
from relearn.scripts.dev.bench.servers import scratch_servers
from relearn.scripts.dev.bench.workload import FEATURES, model, publish
from relearn.scripts.embedded.keys import ensure_pair

STORED = 100_000
_BLOCK = 5_000


@asynccontextmanager
async def serving(directory: Path, workers: int) -> AsyncIterator[int]:
    """The port of an API that is ready, with STORED predictions, while the block runs."""
    async with scratch_servers(directory) as settings:
        await run_migrations(settings)
        served = model()
        await _fill(settings, served.model)
        ensure_pair(settings.keys_dir)
        publish(settings, served)
        async with api_process.serving(settings, "--workers", str(workers)) as port:
            yield port


def asked(rows: int = 1_000) -> dict[str, Request]:
    """The requests that are measured, by name."""
    drawn = np.random.default_rng(1).normal(size=(rows, FEATURES))
    features = drawn.tolist()
    one, many = _json({"features": features[:1]}), _json({"features": features})
    return {
        "GET one prediction": Request.of("GET", "/v1/predictions/0-100-0"),
        "GET 100 predictions": Request.of("GET", "/v1/predictions?limit=100"),
        "POST 1 record": Request.of("POST", "/v1/batches", one),
        "POST 1,000 records": Request.of("POST", "/v1/batches", many),
        "predict 1": predict_request(drawn[:1]),
        "predict 1,000": predict_request(drawn),
        "v2 infer 1": Request.of("POST", "/v2/models/svm/infer", tensor("features", features[:1])),
        "v2 infer 1,000": Request.of("POST", "/v2/models/svm/infer", tensor("features", features)),
    }


def predict_request(rows: Floats) -> Request:
    """Scoring (n, d) rows at once."""
    return Request.of("POST", "/v1/predict", _json({"features": rows.tolist()}))


def tensor(name: str, features: list[list[float]]) -> bytes:
    """The same as a request of the Open Inference Protocol."""
    given = {"name": name, "shape": [len(features), FEATURES], "datatype": "FP64", "data": features}
    return _json({"inputs": [given]})


def _json(value: object) -> bytes:
    return msgspec.json.encode(value)


async def _fill(settings: Settings, served: Model) -> None:
    """Stored predictions of the last minutes, as the store role writes them."""
    pool = await open_pool(settings)
    rng, now_s = np.random.default_rng(3), time.time()
    try:
        for first in range(0, STORED, _BLOCK):
            block = _block(served, rng.normal(size=(_BLOCK, FEATURES)), first, now_s - 600 + first / STORED * 500)
            topic = topic_name(settings.namespace, "ingest")
            await store_blocks(pool, [block], topic=topic, retention_days=30, now_s=now_s)
    finally:
        await pool.close()


def _block(served: Model, features: Floats, first: int, at_s: float) -> Block:
    n, scores = len(features), score(served, features)
    nothing = [None] * n
    return Block(
        generation=0,
        partition=0,
        offsets=np.arange(first, first + n, dtype=np.int64),
        indexes=np.zeros(n, np.int32),
        ingested_at=at_s + np.arange(n) / 10_000,
        ids=nothing,
        subjects=[f"subject-{first + i}" for i in range(n)],
        batches=[f"batch-{first // _BLOCK}"] * n,
        contexts=nothing,
        features=features,
        classes=served.classes,
        labels=scores.labels,
        margins=scores.margins,
        confidence=scores.confidence,
        model=served.version,
        activation=1,
        scored_at=at_s + 1,
    )
