"""Workers killed in the middle of a stream: every record is stored exactly once, and offsets end at the end."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from confluent_kafka import Producer

from agents.kafka import librdkafka_config
from schemas.ingest import encode_record
from schemas.predictions import decode_block
from schemas.settings import Settings
from schemas.topics import TopicName, topic_name
from tests import models
from tests.rows import caught_up, committed_offsets, end_offsets, messages, query, value
from tests.waiting import eventually
from tests.workers import WorkerProcess, workers

AT_LEAST = 50_000
RATE = 8_000


class Stream(threading.Thread):
    """Records at RATE a second, at least AT_LEAST of them, until `finish`; `sent` of them acknowledged so far."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(daemon=True)
        self._settings = settings
        self._enough = threading.Event()
        self.sent = 0

    def run(self) -> None:
        producer = Producer({**librdkafka_config(self._settings), "enable.idempotence": True, "linger.ms": 5})
        topic = topic_name(self._settings.namespace, "ingest")
        features = np.random.default_rng(1).normal(size=(1000, 4))
        began = time.monotonic()
        i = 0
        while i < AT_LEAST or not self._enough.is_set():
            producer.produce(topic, encode_record(features[i % 1000], record_id=str(i)), on_delivery=self._count)
            i += 1
            if i % 200 == 0:
                producer.poll(0)
                time.sleep(max(0.0, began + i / RATE - time.monotonic()))
        assert producer.flush(60) == 0

    def finish(self) -> int:
        """End the stream; the number of records that it had."""
        self._enough.set()
        self.join(120)
        return self.sent

    def _count(self, error: object, _: object) -> None:
        assert error is None
        self.sent += 1


def _stored(settings: Settings) -> int:
    return int(value(settings, "SELECT coalesce(sum(records), 0)::bigint FROM totals"))


def _resumes(settings: Settings, what: str, role: str, topic: TopicName) -> None:
    """Wait until the role has committed all that stood on every partition just then; print how long that took."""
    began, ends = time.monotonic(), end_offsets(settings, topic)

    def behind() -> set[int]:
        committed = committed_offsets(settings, role, topic)
        return {partition for partition, end in ends.items() if committed[partition] < end}

    eventually(lambda: not behind(), lambda: f"partitions {behind()} stood still after {what}")
    print(f"{what}: all partitions go on after {time.monotonic() - began:.1f} s")  # noqa: T201 - a figure, not a bar


@pytest.fixture
def stream(migrated: Settings) -> Stream:
    models.publish(migrated, models.a_model(), 1)
    return Stream(migrated)


def test_killed_and_stopped_workers_lose_and_double_nothing(migrated: Settings, stream: Stream) -> None:
    with workers(migrated, score=2, store=1) as running:
        stream.start()
        eventually(lambda: _stored(migrated) > 2_000, lambda: "\n".join(w.log[-2000:] for w in running.values()))
        for name, topic in (("score-1", "ingest"), ("store-1", "predictions")):
            running[name].kill()
            running[name].start()
            _resumes(migrated, f"kill -9 of {name}", name.split("-")[0], topic)
        for name, topic in (("score-2", "ingest"), ("store-1", "predictions")):
            assert running[name].terminate() == 0
            running[name].start()
            _resumes(migrated, f"SIGTERM of {name}", name.split("-")[0], topic)
        records = stream.finish()
        eventually(lambda: _stored(migrated) >= records, lambda: f"{_stored(migrated)} of {records} were stored")
        _agrees(migrated, running, records)


def _agrees(settings: Settings, running: dict[str, WorkerProcess], records: int) -> None:
    rows, places, ids = query(
        settings,
        "SELECT count(*), count(DISTINCT (kafka_partition, kafka_offset, record_index)), count(DISTINCT id)"
        " FROM predictions",
    )[0]
    assert (rows, places, ids) == (records, records, records)
    assert _stored(settings) == records
    assert value(settings, "SELECT count(*) FROM dead_letters") == 0
    eventually(lambda: caught_up(settings, "score", "ingest"), "score has not committed to the end")
    eventually(lambda: caught_up(settings, "store", "predictions"), "store has not committed to the end")
    published = sum(len(decode_block(message.value())) for message in messages(settings, "predictions"))
    again = published - records
    print(f"scored again: {again} of {records}")  # noqa: T201 - a figure, not a bar
    # One kill of one of two workers: what it had scored since its last commit, half a second before at most, and the
    # chunks in flight. A second's worth of the whole stream is far above that and far below "everything again".
    assert 0 <= again <= 2 * RATE
    assert all(worker.running for worker in running.values())
