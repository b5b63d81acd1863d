"""The feedback worker as a process: statements are stored in Postgres, whatever fails in between."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import numpy as np
import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, Producer, TopicPartition

from relearn.agents.kafka.config import librdkafka_config
from relearn.agents.kafka.topics import admin_client
from relearn.agents.stores.live.heartbeats import read_workers
from relearn.agents.stores.postgres import open_pool
from relearn.agents.stores.redis import open_redis
from relearn.schemas.identity import Place
from relearn.schemas.messages.feedback import Feedback, encode_feedback
from relearn.schemas.messages.predictions import Block, encode_block
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from tests.support.data import blocks
from tests.support.data.feedbacks import feedback, send
from tests.support.data.rows import caught_up, committed_offsets, end_offsets, messages, query, value
from tests.support.data.stored import store
from tests.support.processes.commands import relearn
from tests.support.processes.workers import WorkerProcess, workers
from tests.support.servers.embedded import Servers
from tests.support.waiting import eventually


@pytest.fixture
def partitions() -> int:
    """As many as `relearn migrate` makes."""
    return 8


@pytest.fixture
def worker(migrated: Settings) -> Iterator[WorkerProcess]:
    """One feedback worker on a namespace of its own."""
    with workers(migrated, feedback=1) as running:
        yield running["feedback-1"]


def a_block(n: int, *, first_offset: int = 0, **given: Any) -> Block:
    """A block of records ingested now: workers go by the real clock."""
    times = float(int(time.time())) + (first_offset + np.arange(n)) / 1e6
    return blocks.block_of(n, first_offset=first_offset, ingested_at=times, **given)


def predict(settings: Settings, *some: Block) -> None:
    """Store predictions, as the store role does."""

    async def run() -> None:
        pool = await open_pool(settings, size=1)
        try:
            await store(pool, *some, now_s=time.time())
        finally:
            pool.terminate()

    asyncio.run(run())


def recorded(settings: Settings) -> list[str]:
    """The ids of the statements, in the order of the rows."""
    return [row["feedback"] for row in query(settings, "SELECT feedback FROM corrections ORDER BY id")]


def waiting(settings: Settings) -> int:
    return int(value(settings, "SELECT count(*) FROM waiting_feedback"))


def letters(settings: Settings) -> list[dict[str, Any]]:
    """The dead letters on the topic: headers as text, and `value`."""
    return [
        {**{name: text.decode() for name, text in message.headers()}, "value": message.value()}
        for message in messages(settings, "dead-letters")
    ]


def settled(settings: Settings, worker: WorkerProcess) -> None:
    """Until all of the topic was processed, and committed."""
    eventually(lambda: caught_up(settings, "feedback", "feedback"), lambda: worker.log[-3000:])


def read_again(settings: Settings) -> None:
    """Set the group back to the topic's start; it must be at rest, which a worker just stopped is in a while."""
    name = topic_name(settings.namespace, "feedback")
    admin = admin_client(settings)
    start = ConsumerGroupTopicPartitions(
        f"{settings.namespace}.feedback", [TopicPartition(name, p, 0) for p in end_offsets(settings, "feedback")]
    )

    def moved() -> bool:
        try:
            next(iter(admin.alter_consumer_group_offsets([start]).values())).result(30)
        except KafkaException:
            return False
        return set(committed_offsets(settings, "feedback", "feedback").values()) == {0}

    eventually(moved, "the group never came to rest")


@contextmanager
def lock_held(settings: Settings) -> Iterator[Callable[[], bool]]:
    """No worker can write corrections while the block runs; yields a check for workers that wait to."""
    lock = "SELECT pg_advisory_lock(hashtextextended($1 || ' corrections', 0))"
    waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(settings.postgres_dsn))
        try:
            runner.run(connection.execute(lock, settings.namespace))
            yield lambda: bool(value(settings, waits))
        finally:
            runner.run(connection.close())


def condition_of(settings: Settings) -> list[tuple[str, str, str]]:
    """Id, role and condition of every worker that lives."""

    async def ask() -> list[tuple[str, str, str]]:
        redis = open_redis(settings)
        try:
            beats = await read_workers(redis, settings.namespace)
        finally:
            await redis.aclose()
        return [(beat["id"], beat["role"], beat["condition"]) for beat in beats]

    return asyncio.run(ask())


def test_feedback_comes_to_rest_and_its_offsets_are_committed(migrated: Settings, worker: WorkerProcess) -> None:
    """Rows, the heartbeat, readiness; SIGTERM leaves nothing uncommitted."""
    predict(migrated, a_block(20, ids=[f"r-{i}" for i in range(20)]))
    for partition in range(3):
        said = [feedback(f"{partition}-{i}", prediction=f"0-{i}-0", reviewer=f"p{partition}") for i in range(10)]
        send(migrated, *said, partition=partition)
    send(migrated, *(feedback(f"r-{i}", record=f"r-{i}") for i in range(20)), partition=3)
    send(migrated, b'{"id": "typed", "record": "r-3", "label": 1, "via": "batch"}', partition=4)
    eventually(lambda: len(recorded(migrated)) == 51, lambda: f"{len(recorded(migrated))}\n{worker.log[-3000:]}")
    worker.wait_for("worker_ready")
    eventually(
        lambda: condition_of(migrated) == [("feedback-1", "feedback", "ready")], lambda: f"{condition_of(migrated)}"
    )
    (typed,) = query(migrated, "SELECT * FROM corrections WHERE feedback = 'typed'")
    assert (typed["label"], typed["via"], typed["kafka_offset"], typed["sent_partition"]) == ("1", "batch", 3, 4)
    assert value(migrated, "SELECT count(DISTINCT (sent_partition, sent_offset)) FROM corrections") == 51
    assert worker.terminate() == 0, worker.log[-3000:]
    assert caught_up(migrated, "feedback", "feedback")
    assert (waiting(migrated), letters(migrated)) == (0, [])


def test_feedback_may_come_before_its_prediction(migrated: Settings) -> None:
    """It waits for the store worker's commit, its offset committed, and holds up nothing that comes after it."""
    said = [feedback(f"f{i}", prediction=f"0-{i}-0") for i in range(50)]
    predict(migrated, a_block(1, partition=1))
    with workers(migrated, feedback=2) as running:
        send(migrated, *said)
        send(migrated, feedback("later", prediction="1-0-0"))
        eventually(lambda: recorded(migrated) == ["later"], lambda: running["feedback-1"].log[-3000:])
        settled(migrated, running["feedback-1"])
        assert waiting(migrated) == 50
        with workers(migrated, store=1):
            producer = Producer(librdkafka_config(migrated))
            producer.produce(topic_name(migrated.namespace, "predictions"), encode_block(a_block(50)))
            assert producer.flush(30) == 0
            eventually(
                lambda: len(recorded(migrated)) == 51, lambda: f"{waiting(migrated)}\n{running['feedback-1'].log}"
            )
        assert recorded(migrated) == ["later", *(one.id for one in said)]
        eventually(lambda: waiting(migrated) == 0, "some wait without end")
        assert all(one.terminate() == 0 for one in running.values())
    assert letters(migrated) == []


def test_feedback_on_what_never_comes_is_a_dead_letter_that_can_be_sent_again(migrated: Settings) -> None:
    """After the wait, once, with what was named; redriven when the prediction is there it is a correction."""
    settings = migrated.model_copy(update={"feedback_wait_s": 0.5})
    lost = [feedback("f", prediction="0-3-0", comment="look"), feedback("g", record="nobody")]
    predict(settings, a_block(1))
    with workers(settings, feedback=1, store=1) as running:
        send(settings, lost[0], feedback("good", prediction="0-0-0"), lost[1])
        eventually(lambda: len(letters(settings)) == 2, lambda: running["feedback-1"].log[-3000:])
        eventually(lambda: waiting(settings) == 0, "it waits on")
        found = {int(letter["offset"]): letter for letter in letters(settings)}
        assert {letter["reason"] for letter in found.values()} == {"unknown"}
        for offset, said, named in ((0, lost[0], "prediction 0-3-0;"), (2, lost[1], "of a record 'nobody';")):
            letter = found[offset]
            assert (letter["agent"], letter["topic"]) == ("feedback", topic_name(settings.namespace, "feedback"))
            assert (letter["generation"], letter["partition"], letter["index"]) == ("0", "0", "0")
            assert letter["value"] == encode_feedback(said)
            assert named in letter["error"]
            assert float(letter["error"].split("waited ")[1].split(" ")[0]) >= 0.5
        eventually(lambda: value(settings, "SELECT count(*) FROM dead_letters") == 2, "a row is missing")
        predict(settings, a_block(1, first_offset=3))
        listed = json.loads(relearn(settings, "dlq", "list", "--json").stdout)
        (one,) = [row["id"] for row in listed if "0-3-0" in row["error"]]
        assert relearn(settings, "dlq", "redrive", str(one)).returncode == 0
        eventually(lambda: recorded(settings) == ["good", "f"], lambda: running["feedback-1"].log[-3000:])


def test_what_cannot_be_read_is_a_dead_letter_and_its_neighbours_are_stored(
    migrated: Settings, worker: WorkerProcess
) -> None:
    predict(migrated, a_block(10))
    bad = [
        b"\xc1",
        b"",
        b"{",
        b'{"id": "x", "prediction": "0-1-0"}',
        b'{"id": "x", "label": "1"}',
        b'{"id": "x", "label": "1", "prediction": "99999999999-0-0"}',
        b'{"id": "x", "label": "a\\u0000b", "prediction": "0-1-0"}',
        b'{"id": "x", "label": "1", "prediction": "0-1-0", "via": "hearsay"}',
        b"\x00" * 500_000,
    ]
    for i, garbage in enumerate(bad):
        send(migrated, garbage, feedback(f"f{i}", prediction=f"0-{i}-0"))
    eventually(lambda: len(recorded(migrated)) == len(bad), lambda: worker.log[-3000:])
    settled(migrated, worker)
    found = {int(letter["offset"]): letter for letter in letters(migrated)}
    assert [found[offset]["value"] or b"" for offset in sorted(found)] == bad
    reasons = ["unreadable", "empty", "unreadable", "invalid", "invalid", "invalid", "text", "unreadable", "unreadable"]
    assert [found[offset]["reason"] for offset in sorted(found)] == reasons
    assert {letter["agent"] for letter in found.values()} == {"feedback"}
    assert worker.running
    assert worker.starts == 1


def test_reading_the_whole_topic_again_changes_nothing(migrated: Settings) -> None:
    """Rows, ids, what waits; dead letters may be sent twice, and are one row each."""
    predict(migrated, a_block(100, ids=[f"r-{i}" for i in range(100)]))
    with workers(migrated, feedback=1, store=1) as running:
        worker = running["feedback-1"]
        said = [feedback(f"f{i}", None if i % 3 == 0 else "1", prediction=f"0-{i}-0") for i in range(100)]
        send(migrated, *said, *said[:10], b"\xc1", feedback("waits", prediction="0-500-0"))
        send(migrated, *(feedback(f"r{i}", record=f"r-{i}") for i in range(100)), partition=1)
        eventually(lambda: len(recorded(migrated)) == 200, lambda: worker.log[-3000:])
        settled(migrated, worker)
        eventually(lambda: value(migrated, "SELECT count(*) FROM dead_letters") == 1, "no dead letter")

        def everything() -> list[Any]:
            return [
                query(migrated, f"SELECT * FROM {table} ORDER BY 1, 2")
                for table in ("corrections", "waiting_feedback", "dead_letters")
            ]

        before = everything()
        assert worker.terminate() == 0
        # A newer prediction of each record: what was resolved once stands.
        predict(migrated, a_block(100, first_offset=1000, ids=[f"r-{i}" for i in range(100)]))
        read_again(migrated)
        worker.start()
        eventually(lambda: len(letters(migrated)) == 2, lambda: worker.log[-3000:])
        settled(migrated, worker)
        eventually(lambda: caught_up(migrated, "store", "dead-letters"), "the store worker didn't read it")
        assert everything() == before


def test_killed_workers_lose_nothing_and_store_nothing_twice(migrated: Settings) -> None:
    """kill -9 during a transaction, right after a commit, and of both workers; some feedback waits meanwhile."""
    per_partition, partitions = 600, 4
    total = per_partition * partitions
    predict(migrated, *(a_block(per_partition, partition=p) for p in range(partitions - 1)))
    with workers(migrated, feedback=2) as running:
        for one in running.values():
            one.wait_for("worker_ready")
        with lock_held(migrated) as somebody_waits:
            for p in range(partitions):
                send(
                    migrated,
                    *(Feedback(f"{p}-{i}", "1", Place(0, p, i, 0)) for i in range(per_partition)),
                    partition=p,
                )
            eventually(somebody_waits, "no worker stores anything")
            for one in running.values():
                one.kill()
                one.start()
            assert recorded(migrated) == []
        eventually(lambda: recorded(migrated) != [], lambda: running["feedback-1"].log[-3000:])
        for one in running.values():
            one.kill()
        predict(migrated, a_block(per_partition, partition=partitions - 1))
        for one in running.values():
            one.start()
        eventually(lambda: len(recorded(migrated)) >= total, lambda: running["feedback-1"].log[-3000:])
        eventually(lambda: waiting(migrated) == 0, "some wait without end")
        settled(migrated, running["feedback-1"])
        right = "kafka_partition || '-' || kafka_offset = feedback AND kafka_offset = sent_offset"
        assert value(migrated, f"SELECT count(*) FROM corrections WHERE {right}") == len(recorded(migrated)) == total
        assert letters(migrated) == []
        assert [one.terminate() for one in running.values()] == [0, 0]


def waits(settings: Settings) -> bool:
    """Whether the worker's latest log line reports that one of its tasks waits for Postgres."""
    words = {"waiting for Kafka and Postgres", "waiting for Postgres"}
    return [(name, role) for name, role, said in condition_of(settings) if said in words] == [
        ("feedback-1", "feedback")
    ]


def test_postgres_away_holds_the_offsets_and_then_catches_up(
    migrated: Settings, servers: Servers, worker: WorkerProcess
) -> None:
    """The worker stays up and reports what it waits for; SIGTERM ends it then too, and nothing is lost."""
    predict(migrated, a_block(100))
    send(migrated, feedback("first", prediction="0-0-0"))
    eventually(lambda: recorded(migrated) == ["first"], lambda: worker.log[-3000:])
    settled(migrated, worker)
    before = committed_offsets(migrated, "feedback", "feedback")
    with servers.postgres.away():
        send(migrated, *(feedback(f"f{i}", prediction=f"0-{i}-0") for i in range(100)))
        eventually(lambda: waits(migrated), lambda: f"{condition_of(migrated)}")
        assert committed_offsets(migrated, "feedback", "feedback") == before
    eventually(lambda: len(recorded(migrated)) == 101, lambda: worker.log[-3000:])
    eventually(
        lambda: condition_of(migrated) == [("feedback-1", "feedback", "ready")], lambda: f"{condition_of(migrated)}"
    )
    assert (worker.running, worker.starts) == (True, 1)
    with servers.postgres.away():
        send(migrated, feedback("last", prediction="0-0-0"))
        eventually(lambda: waits(migrated), lambda: f"{condition_of(migrated)}")
        assert worker.terminate() == 0, worker.log[-3000:]
    worker.start()
    eventually(lambda: recorded(migrated)[-1] == "last", lambda: worker.log[-3000:])


def test_what_has_expired_stays_until_the_broker_has_its_dead_letter(migrated: Settings, servers: Servers) -> None:
    """Kafka goes away before it expires, and the worker is killed then; the next one sends it."""
    settings = migrated.model_copy(update={"feedback_wait_s": 2.0})
    with workers(settings, feedback=1) as running:
        worker = running["feedback-1"]
        send(settings, feedback("f", record="nobody"))
        eventually(lambda: waiting(settings) == 1, lambda: worker.log[-3000:])
        with servers.kafka.away():
            worker.wait_for("event=dead_letters unknown=1")
            worker.kill()
            assert waiting(settings) == 1
        worker.start()
        eventually(lambda: waiting(settings) == 0, lambda: worker.log[-3000:])
        assert {letter["reason"] for letter in letters(settings)} == {"unknown"}
