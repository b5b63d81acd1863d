"""The results worker as a process of its own: one message a record, at least once, of what `predictions` has."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined] # re-exports without __all__

from relearn.agents.kafka.config import librdkafka_config
from relearn.agents.stores.live.heartbeats import read_workers
from relearn.agents.stores.redis import open_redis
from relearn.schemas.identity import Place
from relearn.schemas.messages.ingest import encode_record
from relearn.schemas.messages.predictions import Block, decode_block, encode_block
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from tests.support.data import models
from tests.support.data.blocks import block_of
from tests.support.data.rows import caught_up, end_offsets, messages, query, stored
from tests.support.faults.streaming import Stream
from tests.support.processes.workers import workers
from tests.support.servers.console_consumer import console_consumer
from tests.support.servers.namespaces import Namespaces
from tests.support.servers.topic_limits import set_max_bytes
from tests.support.waiting import eventually

COLUMNS = "generation, kafka_partition, kafka_offset, record_index"


@pytest.fixture
def with_results(namespaces: Namespaces, tmp_path: Path) -> Iterator[Settings]:
    """Topics and tables of a namespace whose results are sent."""
    yield namespaces.fresh(tmp_path, results="json")


def send(settings: Settings, *blocks: Block, values: Sequence[bytes] = ()) -> None:
    producer = Producer(librdkafka_config(settings))
    for value in (*map(encode_block, blocks), *values):
        producer.produce(topic_name(settings.namespace, "predictions"), value, partition=0)
    assert producer.flush(30) == 0


def results(settings: Settings) -> list[dict[str, Any]]:
    return [json.loads(message.value()) for message in messages(settings, "results")]


def notices(settings: Settings, worker: str) -> str:
    async def read() -> str:
        redis = open_redis(settings)
        try:
            return str([one["notices"] for one in await read_workers(redis, settings.namespace) if one["id"] == worker])
        finally:
            await redis.aclose()

    return asyncio.run(read())


def test_kafkas_console_consumer_reads_what_the_api_says(with_results: Settings) -> None:
    """Score, store and results workers: each result is the stored row, read by a Java client."""
    settings, n = with_results, 50
    models.publish(settings, models.a_model(), 1)
    with workers(settings, score=1, store=1, results=1):
        producer = Producer(librdkafka_config(settings))
        for i in range(n):
            texts = {"record_id": f"r-{i}", "subject": "é 1" if i % 2 else None, "batch": "b"}
            producer.produce(topic_name(settings.namespace, "ingest"), encode_record([i, 1.0, 2.0, 0.5], **texts))
        producer.flush(30)
        lines = console_consumer(settings, topic_name(settings.namespace, "results"), messages=n)
        eventually(lambda: stored(settings) == n, lambda: f"{stored(settings)} rows")
    found = {}
    for line in lines:
        key, value = line.split("\t", 1)
        one = json.loads(value)
        assert key == (one["subject"] or one["id"])
        found[one["prediction"]] = one
    rows = query(settings, "SELECT * FROM predictions")
    same = ("id", "subject", "batch", "label", "confidence", "margins", "model", "activation")
    expected = {
        str(Place(*(row[name] for name in COLUMNS.split(", ")))): {
            **{name: row[name] for name in same},
            **{name: row[name].isoformat() for name in ("ingested_at", "scored_at")},
        }
        for row in rows
    }
    assert len(expected) == n
    assert found == {place: {"prediction": place, **fields} for place, fields in expected.items()}


def test_a_killed_worker_leaves_no_row_without_a_result(with_results: Settings) -> None:
    """Each stored row has a result, each result is of a record that `predictions` has, and repeats are few."""
    settings = with_results
    models.publish(settings, models.a_model(), 1)
    with (
        workers(settings, score=1, store=1, results=1) as running,
        Stream(settings, rate=8_000, at_least=24_000) as stream,
    ):
        for _ in range(2):
            before = sum(end_offsets(settings, "results").values())
            eventually(lambda: sum(end_offsets(settings, "results").values()) > before + 2_000, "no results")  # noqa: B023
            running["results-1"].kill()
            running["results-1"].start()
        records = stream.finish()
        eventually(lambda: stored(settings) >= records, lambda: f"{stored(settings)} of {records} were stored")
        eventually(lambda: caught_up(settings, "results", "predictions"), "results has not committed to the end")
        assert running["results-1"].terminate() == 0
    times = Counter(one["prediction"] for one in results(settings))
    rows = {str(Place(*row)) for row in query(settings, f"SELECT {COLUMNS} FROM predictions")}
    blocks = [decode_block(message.value()) for message in messages(settings, "predictions")]
    acknowledged = {
        str(Place(block.generation, block.partition, offset, index))
        for block in blocks
        for offset, index in zip(block.offsets.tolist(), block.indexes.tolist(), strict=True)
    }
    assert len(rows) == records
    assert rows <= set(times) <= acknowledged
    assert max(times.values()) <= 3


def test_without_its_topic_a_worker_waits_and_the_stream_goes_on(with_results: Settings) -> None:
    """Rows are stored meanwhile; once the topic is there, every result is sent."""
    settings, topic = with_results, topic_name(with_results.namespace, "results")
    models.publish(settings, models.a_model(), 1)
    with workers(settings, score=1, store=1, results=1) as running:
        running["results-1"].wait_for("worker_ready")
        with AdminClient(librdkafka_config(settings)) as admin:
            admin.delete_topics([topic])[topic].result()
            with Stream(settings, rate=4_000, at_least=2_000) as stream:
                records = stream.finish()
            eventually(lambda: stored(settings) == records, lambda: f"{stored(settings)} of {records} were stored")
            eventually(lambda: topic in notices(settings, "results-1"), running["results-1"].told)
            admin.create_topics([NewTopic(topic, num_partitions=2)])[topic].result()
        eventually(lambda: caught_up(settings, "results", "predictions"), running["results-1"].told)
    assert len({one["prediction"] for one in results(settings)}) == records


def test_what_is_no_block_is_passed_over(with_results: Settings) -> None:
    """The store worker makes a dead letter of it; here it is a notice, and the blocks around it have results."""
    with workers(with_results, results=1) as running:
        send(with_results, block_of(3), values=[b"\x93\x01", b"{", encode_block(block_of(4, first_offset=3))])
        eventually(lambda: len(results(with_results)) == 7, lambda: str(results(with_results)))
        eventually(lambda: caught_up(with_results, "results", "predictions"), "its offsets were not committed")
        # A notice comes with the heartbeat after it.
        eventually(lambda: "can't be read" in notices(with_results, "results-1"), running["results-1"].told)


def test_a_result_above_the_topics_limit_costs_no_other(with_results: Settings) -> None:
    """The limit was lowered while the worker runs: what the broker refuses alone is a notice."""
    topic = topic_name(with_results.namespace, "results")
    wide = block_of(1, first_offset=2, d=1, k=2_000)
    with workers(with_results, results=1) as running:
        running["results-1"].wait_for("worker_ready")
        set_max_bytes(with_results, "results", 4_000)
        send(with_results, block_of(2), wide, block_of(40, first_offset=3))
        eventually(lambda: caught_up(with_results, "results", "predictions"), running["results-1"].told)
        eventually(lambda: topic in notices(with_results, "results-1"), running["results-1"].told)
    found = {one["prediction"] for one in results(with_results)}
    assert found == {f"0-{i}-0" for i in range(43)} - {"0-2-0"}
