"""Live events from end to end: events of real workers reach the API's clients."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest
from aiohttp.test_utils import TestClient, TestServer

from relearn.agents.kafka.producer import KafkaProducer
from relearn.api.server.app import make_app
from relearn.schemas.messages.predictions import encode_block
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from tests.support.api.client import Client
from tests.support.api.sse import Listener, listening
from tests.support.data import feedbacks, retrains
from tests.support.data.blocks import block_of
from tests.support.data.models import ensure_keys
from tests.support.processes.workers import workers
from tests.support.servers.namespaces import Namespaces

RECORDS = 20


@pytest.fixture(scope="module")
def stack(namespaces: Namespaces, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Workers of all roles but score on one namespace, all of them running."""
    settings = namespaces.fresh(tmp_path_factory.mktemp("events"))
    ensure_keys(settings)
    with workers(settings, store=1, feedback=1, retrain=1) as running:
        for worker in running.values():
            worker.wait_for("worker_ready")
        running["store-1"].wait_for("recent_view_filled")
        yield settings


@pytest.fixture
async def client(stack: Settings) -> AsyncIterator[Client]:
    async with TestClient(TestServer(make_app(stack))) as http:
        yield Client(http, stack)


@pytest.fixture
async def listener(client: Client) -> AsyncIterator[Listener]:
    async with listening(client.http) as one:
        yield one


async def predict(settings: Settings, first_offset: int = 0) -> None:
    """Send scored records, as a score worker does."""
    times = float(int(time.time())) + (first_offset + np.arange(RECORDS)) / 1e6
    labels = np.zeros(RECORDS, np.int16)
    block = block_of(RECORDS, first_offset=first_offset, ingested_at=times, batches=["b"] * RECORDS, labels=labels)
    producer = KafkaProducer(settings, "test")
    try:
        await (await producer.send(topic_name(settings.namespace, "predictions"), encode_block(block), partition=0))
    finally:
        await producer.close()


async def test_a_stored_batch_is_told_with_its_totals(client: Client, listener: Listener) -> None:
    await predict(client.settings)
    told = await listener.until("batch")
    (batch,) = told.data["batches"]
    assert (batch["batch"], batch["records"]) == ("b", RECORDS)
    assert (told.data["records"], told.data["dead_letters"]) == (RECORDS, 0)


async def test_a_recorded_correction_is_told(client: Client, listener: Listener) -> None:
    await predict(client.settings)
    said = feedbacks.feedback("f1", "1", prediction="0-3-0", reviewer="ann", via="audit")
    await asyncio.to_thread(feedbacks.send, client.settings, said)
    told = await listener.until("correction")
    assert told.data == {
        "prediction": "0-3-0",
        "feedback": "f1",
        "label": "1",
        "predicted": "0",
        "corrects": True,
        "reviewer": "ann",
        "via": "audit",
        "more": 0,
    }


async def test_a_job_and_the_model_that_it_made_are_told_and_which_worker_has_it(
    client: Client, listener: Listener
) -> None:
    """Heartbeats come in between and are read by another listener."""
    await asyncio.to_thread(retrains.load, client.settings)
    async with listening(client.http, types="worker") as of_workers:
        job = await asyncio.to_thread(retrains.send, client.settings, "train")
        told = await listener.until("job", id=job, state="promoted")
        assert (told.data["version"], told.data["gate"]["path"], told.data["error"]) == (1, "first", None)
        model = await listener.until("model", job=job)
        assert (model.data["activation"], model.data["role"], model.data["version"]) == (1, "champion", 1)
        worker = await of_workers.until("worker", id="retrain-1", activation=1)
        assert (worker.data["role"], worker.data["model"], worker.data["condition"]) == ("retrain", 1, "ready")
