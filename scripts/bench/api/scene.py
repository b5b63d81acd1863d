"""What is measured: the API on servers of its own, with a model and stored predictions, and what is asked of it."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import numpy as np
from confluent_kafka import Producer

from agents.kafka import librdkafka_config
from agents.keys import load_signer
from agents.learning.scoring import score
from agents.stores.postgres import open_pool
from agents.stores.predictions import store_blocks
from schemas.model import Floats, Model
from schemas.predictions import Block
from schemas.settings import PREFIX, Settings
from schemas.topics import topic_name
from schemas.updates import Update, encode_update
from scripts.bench.api.load import Request
from scripts.bench.servers import scratch_servers
from scripts.bench.work import FEATURES, model
from scripts.embedded import ports
from scripts.embedded.keys import ensure_pair
from scripts.migrate import run_migrations

STORED = 100_000
_BLOCK = 5_000
_READY_S = 60.0


@asynccontextmanager
async def serving(directory: Path, workers: int) -> AsyncIterator[int]:
    """The port of an API that is ready, with STORED predictions, while the block runs."""
    async with scratch_servers(directory) as settings:
        await run_migrations(settings)
        served = model().model
        await _fill(settings, served)
        ensure_pair(settings.keys_dir)
        _publish(settings, served)
        port = ports.choose(28_000, taken=[])
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "scripts", "api", "--port", str(port), "--workers", str(workers)),
            env={**os.environ, **_told(settings), PREFIX + "LOG_LEVEL": "warning"},
        )
        try:
            await _ready(port)
            yield port
        finally:
            process.terminate()
            await process.wait()


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


def _publish(settings: Settings, served: Model) -> None:
    update = Update(settings.namespace, "champion", 1, served, None, {"trigger": "bench"}, time.time())
    producer = Producer(librdkafka_config(settings))
    value = encode_update(update, load_signer(settings))
    producer.produce(topic_name(settings.namespace, "model-updates"), value, b"champion")
    if producer.flush(30):
        raise RuntimeError("the model could not be published")


def _told(settings: Settings) -> dict[str, str]:
    """The settings that differ from the default, as a child process is told them."""
    told = settings.model_dump(exclude_defaults=True)
    return {
        PREFIX + name.upper(): ",".join(value) if isinstance(value, tuple) else str(value)
        for name, value in told.items()
    }


async def _ready(port: int) -> None:
    async with asyncio.timeout(_READY_S), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"http://127.0.0.1:{port}/readyz") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.1)
