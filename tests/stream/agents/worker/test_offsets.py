"""Offsets that hold no record, offsets that vanish, and topics made again, under workers that run."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator

import numpy as np
import pytest
from confluent_kafka import Producer

from relearn.agents.kafka.config import librdkafka_config
from relearn.agents.kafka.topics import admin_client
from relearn.schemas.messages.ingest import encode_record
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from relearn.scripts.client.lag import read_lag
from tests.support.data import models
from tests.support.data.heartbeats import heartbeats
from tests.support.data.rows import caught_up, end_offsets, query, value
from tests.support.processes.workers import WorkerProcess, workers
from tests.support.servers.namespaces import Namespaces
from tests.support.servers.topics import Topic
from tests.support.waiting import eventually

Running = tuple[Settings, dict[str, WorkerProcess]]


@pytest.fixture(scope="module")
def running(namespaces: Namespaces, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One worker of the three roles that read what others write, for all tests of this module."""
    settings = namespaces.fresh(tmp_path_factory.mktemp("offsets"))
    models.publish(settings, models.a_model(), 1)
    with workers(settings, score=1, store=1, feedback=1) as found:
        yield settings, found


def records(name: str, count: int) -> list[bytes]:
    return [encode_record(np.ones(4), record_id=f"{name}-{i}") for i in range(count)]


def counted(settings: Settings, name: str) -> int:
    return int(query(settings, "SELECT count(*) FROM predictions WHERE starts_with(id, $1)", f"{name}-")[0][0])


def stored(running: Running, **wanted: int) -> None:
    """Wait until as many records of each name are stored, and score has committed to the end of `ingest`."""
    settings, found = running

    def counts() -> dict[str, int]:
        return {name: counted(settings, name) for name in wanted}

    eventually(lambda: counts() == wanted, lambda: f"{counts()} != {wanted}\n{found['score-1'].log[-3000:]}")
    eventually(lambda: caught_up(settings, "score", "ingest"), "score has not committed to the end")


class Transactions:
    """A transactional producer for partition 0 of `ingest`."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._topic = topic_name(settings.namespace, "ingest")
        config = {"transactional.id": f"{settings.namespace}-{name}", "transaction.timeout.ms": 60_000}
        self._producer = Producer({**librdkafka_config(settings), **config})
        self._producer.init_transactions(30)

    def begin(self, *values: bytes) -> None:
        self._producer.begin_transaction()
        for item in values:
            self._producer.produce(self._topic, item, partition=0)
        assert self._producer.flush(30) == 0

    def commit(self) -> None:
        self._producer.commit_transaction(30)

    def abort(self) -> None:
        self._producer.abort_transaction(30)


def lag_of(settings: Settings, worker: str) -> int | None:
    beat = heartbeats(settings).get(worker)
    return beat["lag"] if beat else None


def status_lag(settings: Settings) -> tuple[int, int]:
    """The lag of score as `relearn status` shows it, and what it shows as held back."""
    with admin_client(settings) as admin:
        found = asyncio.run(read_lag(admin, settings))
    own = [one for one in found if one.group.endswith(".score")]
    return sum(one.lag for one in own), sum(one.held for one in own)


def test_transactions_leave_no_lag_and_aborted_records_no_row(running: Running) -> None:
    """The control record at the end of each transaction takes an offset, too."""
    settings, _ = running
    producer = Transactions(settings, "mixed")
    producer.begin(*records("committed", 5))
    producer.commit()
    producer.begin(*records("aborted", 5))
    producer.abort()
    Topic(settings, "ingest").send(0, *records("plain", 3))
    stored(running, committed=5, plain=3)
    assert counted(settings, "aborted") == 0
    eventually(lambda: lag_of(settings, "score-1") == 0, lambda: f"lag {lag_of(settings, 'score-1')}")
    assert status_lag(settings) == (0, 0)


def test_an_open_transaction_is_waited_for_and_told(running: Running) -> None:
    """It holds back what follows it, which isn't lag."""
    settings, _ = running
    producer, ingest = Transactions(settings, "open"), Topic(settings, "ingest")
    producer.begin(*records("open", 4))
    ingest.send(0, *records("behind", 2))
    ingest.send(1, *records("beside", 2))
    eventually(lambda: counted(settings, "beside") == 2, "the other partition waits, too")
    eventually(lambda: lag_of(settings, "score-1") == 0, lambda: f"lag {lag_of(settings, 'score-1')}")
    eventually(lambda: status_lag(settings) == (0, 6), lambda: f"{status_lag(settings)}")
    assert (counted(settings, "open"), counted(settings, "behind")) == (0, 0)
    producer.commit()
    stored(running, open=4, behind=2)


def test_deleted_records_are_counted(running: Running) -> None:
    """Deleted before they were read, with and without records after them; what is left is read."""
    settings, found = running
    ingest, score = Topic(settings, "ingest"), found["score-1"]
    stored(running)
    assert score.terminate() == 0
    ingest.send(0, *records("gone", 7))
    ingest.send(1, *records("cut", 20))
    ends = end_offsets(settings, "ingest")
    ingest.delete_records(p0=ends[0], p1=ends[1] - 5)
    score.start()
    stored(running, cut=5, gone=0)
    lost = "SELECT kafka_partition, lost FROM gaps WHERE role = 'score' AND why = 'deleted' ORDER BY 1"
    wanted = [(0, 7), (1, 15)]
    eventually(lambda: list(map(tuple, query(settings, lost))) == wanted, lambda: f"{query(settings, lost)}")
    assert status_lag(settings) == (0, 0)


def test_a_committed_offset_beyond_the_end_is_not_waited_for(running: Running) -> None:
    """The log lost its end: what is left is read again, which changes no row, and lower offsets are committed."""
    settings, found = running
    ingest, score = Topic(settings, "ingest"), found["score-1"]
    stored(running)
    assert score.terminate() == 0
    before = value(settings, "SELECT count(*) FROM predictions")
    ingest.commit("score", p0=1_000_000, p1=0)
    ingest.send(0, *records("after", 3))
    score.start()
    stored(running, after=3)
    assert value(settings, "SELECT count(*) FROM predictions") == before + 3
    cut = "SELECT kafka_partition, position, lost FROM gaps WHERE role = 'score' AND why = 'truncated'"
    eventually(lambda: [tuple(row) for row in query(settings, cut)] == [(0, 1_000_000, 0)], score.told)


@pytest.mark.parametrize(
    ("topic", "worker"), [("predictions", "store-1"), ("dead-letters", "store-1"), ("feedback", "feedback-1")]
)
def test_what_is_unreadable_gets_the_generation_of_its_topic(running: Running, topic: str, worker: str) -> None:
    """At one place of two topics of one name, one after the other: two dead letters."""
    settings, found = running
    own = Topic(settings, topic)  # type: ignore[arg-type]
    sql = "SELECT generation FROM dead_letters WHERE topic = $1 AND kafka_partition = 0 AND value = $2"
    own.make_again()

    def letter(value: bytes) -> int:
        eventually(lambda: query(settings, sql, own.name, value), lambda: f"{value!r}\n{found[worker].log[-3000:]}")
        return int(query(settings, sql, own.name, value)[0][0])

    own.send(0, b"\xc1first")
    first = letter(b"\xc1first")
    found[worker].send(signal.SIGSTOP)
    own.make_again()
    own.send(0, b"\xc1second", b"\xc1third")
    found[worker].send(signal.SIGCONT)
    assert {letter(b"\xc1second"), letter(b"\xc1third")} == {first + 1}
