"""What else happens before the pictures: batches and their reviews, a rejected training, drift, dead letters."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgpack
import numpy as np
from confluent_kafka import Producer

from relearn.agents.kafka.config import librdkafka_config
from relearn.schemas.errors import SetupError
from relearn.schemas.messages.headers import cloud_event
from relearn.schemas.messages.ingest import CE_TYPE_ONE
from relearn.schemas.topics import topic_name
from relearn.scripts.data.datasets import Dataset, resample_with_noise
from relearn.scripts.demo.scenarios import DemoRun
from relearn.scripts.demo.traffic.stream import DemoStream
from relearn.scripts.dev.screenshots.api_client import ApiClient
from relearn.scripts.dev.screenshots.system import System

#: Records of each batch, and how many of them are reviewed.
BATCHES = {"forms-monday": (40, 40), "forms-tuesday": (60, 25), "forms-wednesday": (25, 0)}
SHOWN = "forms-tuesday"
#: Records a second: while drift's reference and windows fill, and while pictures are taken.
FAST, SLOW = 400.0, 40.0
#: Audits that tell how good the champion is, and answers a second until there are so many.
AUDITS, ANSWERS = 40, 15.0
NOISE = 0.6
#: Maximum trainings until one finds nothing new and is rejected.
TRAININGS = 5


@dataclass(frozen=True)
class Found:
    """What there are pictures of: one of each kind."""

    batch: str
    prediction: str
    version: int
    job: str
    letter: int


async def make_history(system: System, client: ApiClient) -> Found:
    """All of it. The stream goes on slowly, and as noisy as it has become.

    Raises:
        SetupError: it didn't happen in time.
    """
    stream, real = system.run.monitor.stream, system.run.parts.real
    await _send_batches(real, client)
    await _flow(stream, FAST)
    await _audited_and_trained_in_vain(system.run, client)
    await client.until("a reference", "/v1/drift", lambda drift: drift["state"] == "watching")
    rng = np.random.default_rng(0)

    def noisy(piece: Dataset) -> Dataset:
        return resample_with_noise(real, len(piece), rng, NOISE)

    await _flow(stream, FAST, noisy)
    await client.until("drift", "/v1/drift", lambda drift: bool(drift["drifted"]))
    await asyncio.to_thread(_send_bad_ones, system)
    await _flow(stream, SLOW, noisy)
    letters = await client.until("dead letters", "/v1/dead-letters?reason=dimension", lambda page: bool(page["items"]))
    predictions = await client.json("GET", f"/v1/predictions?batch={SHOWN}&limit=1")
    (champion,) = (await client.json("GET", "/v1/models?state=champion"))["items"]
    return Found(
        SHOWN, predictions["items"][0]["prediction"], champion["version"], champion["job"], letters["items"][0]["id"]
    )


async def _flow(stream: DemoStream, rate: float, change: Callable[[Dataset], Dataset] | None = None) -> None:
    """Send at that rate from now on, what `change` makes of the records."""
    await asyncio.to_thread(stream.stop)
    stream.change = change
    stream.start(rate)


async def _send_batches(real: Dataset, client: ApiClient) -> None:
    """Send each batch; Ann reviews a number of its records, and Ben contradicts one review."""
    first = 0
    for batch, (n, reviewed) in BATCHES.items():
        rows = real.take(slice(first, first + n))
        first += n
        contexts = [f"Form {100 + i // 5}, field {1 + i % 5}" for i in range(n)]
        body = {"features": rows.features.tolist(), "subjects": rows.subjects, "contexts": contexts, "batch": batch}
        await client.json("POST", "/v1/batches", body)
        await client.until(f"all of {batch}", f"/v1/predictions?batch={batch}&limit=1000", _has(n))
        labels = list(rows.labels or ())
        other = ["7" if labels[0] == "1" else "1"]
        for reviewer, said in (("ann", labels[:reviewed]), ("ben", other if reviewed else [])):
            if said:
                body = {"subjects": rows.subjects[: len(said)], "labels": said, "reviewer": reviewer}
                await client.json("PATCH", f"/v1/batches/{batch}", body)


async def _audited_and_trained_in_vain(run: DemoRun, client: ApiClient) -> None:
    """Let the demo's reviewer say how good the champion is, then ask for a training that finds nothing new.

    After it no labels are left that would make drift a reason to train: what drifted stays to be seen.
    """
    run.reviewer.reviewer.audit_share = 1.0
    for _ in range(TRAININGS):
        run.reviewer.start(ANSWERS)
        await client.until("audits", "/v1/stats", _audited)
        await run.reviewer.stop()
        await client.until("no open training", "/v1/stats", _nothing_open)
        job = (await client.json("POST", "/v1/jobs"))["id"]
        found = await client.until("a training", "/v1/jobs?command=train&limit=5", _ended(job))
        if _state(found, job) == "rejected" and _audited(await client.json("GET", "/v1/stats")):
            return
    raise SetupError(f"none of {TRAININGS} trainings was rejected")


def _audited(stats: Any) -> bool:
    return stats["accuracy"] is not None and stats["accuracy"]["n"] >= AUDITS


def _has(n: int) -> Callable[[Any], bool]:
    return lambda page: len(page["items"]) == n


def _nothing_open(stats: Any) -> bool:
    return stats["open_job"] is None and stats["shadow_job"] is None


def _ended(job: str) -> Callable[[Any], bool]:
    return lambda page: _state(page, job) not in {None, "queued", "running", "shadow"}


def _state(page: dict[str, Any], job: str) -> str | None:
    return next((one["state"] for one in page["items"] if one["id"] == job), None)


def _send_bad_ones(system: System) -> None:
    """Records that can't be decoded or scored."""
    producer = Producer(librdkafka_config(system.settings))
    values = (
        *(json.dumps({"features": [i, 2, 3], "id": f"till-7-{990 + i}"}).encode() for i in range(4)),
        msgpack.packb({"features": ["x", *[0.0] * 63], "id": "till-7-994"}),
        b"<order><id>till-7-995</id></order>",
        b"\xc1\x00\xff" * 40,
        b"",
    )
    for value in values:
        headers = list(cloud_event(CE_TYPE_ONE, "/shop/till-7", now_s=time.time()))
        producer.produce(topic_name(system.settings.namespace, "ingest"), value, b"till-7", headers=headers)  # type: ignore[arg-type]
    if producer.flush(30):
        raise SetupError("Kafka didn't take the bad records")
