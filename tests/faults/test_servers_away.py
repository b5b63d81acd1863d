"""Servers taken away while the stream runs: offsets stand still, memory stays bounded, nothing is lost."""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack

import psutil

from relearn.schemas.settings import Settings
from tests.support.data import feedbacks, models, retrains
from tests.support.data.heartbeats import heartbeats
from tests.support.data.registered import register
from tests.support.data.rows import caught_up, end_offsets, stored, value
from tests.support.faults.read_only import read_only
from tests.support.faults.streaming import Stream
from tests.support.processes.workers import WorkerProcess, workers
from tests.support.servers.embedded import Servers
from tests.support.size import FULL
from tests.support.waiting import eventually

RATE = 5_000
#: `make long` keeps Postgres away for the contract's duration.
AWAY_S = 30 if FULL else 6
MEMORY_BYTES = 300 * 1024 * 1024


def _check_all_stored(settings: Settings, records: int) -> None:
    eventually(lambda: stored(settings) >= records, lambda: f"{stored(settings)} of {records} were stored")
    assert stored(settings) == value(settings, "SELECT count(*) FROM predictions") == records
    eventually(lambda: caught_up(settings, "score", "ingest"), "score has not committed to the end")
    eventually(lambda: caught_up(settings, "store", "predictions"), "store has not committed to the end")


def _scoring_goes_on(settings: Settings) -> None:
    before = sum(end_offsets(settings, "predictions").values())
    eventually(lambda: sum(end_offsets(settings, "predictions").values()) > before, "scoring stood still")


def _memory(running: dict[str, WorkerProcess]) -> dict[str, int]:
    for worker in running.values():
        assert worker.running, worker.log[-5000:]
    return {name: psutil.Process(worker.pid).memory_info().rss for name, worker in running.items()}


def _conditions(settings: Settings) -> dict[str, str]:
    return {name: beat["condition"] for name, beat in heartbeats(settings).items()}


def test_while_postgres_is_away_scoring_goes_on_and_afterwards_all_is_stored(
    migrated: Settings, servers: Servers
) -> None:
    models.publish(migrated, models.a_model(), 1)
    with (
        workers(migrated, score=2, store=1) as running,
        Stream(migrated, rate=RATE, at_least=AWAY_S * RATE) as stream,
    ):
        eventually(lambda: stored(migrated) > 1_000, lambda: running["store-1"].log[-2000:])
        before = _memory(running)
        with servers.postgres.away():
            until = time.monotonic() + AWAY_S
            while time.monotonic() < until:
                _scoring_goes_on(migrated)
        after = _memory(running)
        assert all(after[name] - before[name] < MEMORY_BYTES for name in running), (before, after)
        _check_all_stored(migrated, stream.finish())
        assert all(worker.starts == 1 and worker.running for worker in running.values())


def test_while_redis_is_away_storing_goes_on(migrated: Settings, servers: Servers) -> None:
    models.publish(migrated, models.a_model(), 1)
    with workers(migrated, score=1, store=1) as running, Stream(migrated, rate=RATE, at_least=RATE) as stream:
        eventually(lambda: stored(migrated) > 1_000, lambda: running["store-1"].log[-2000:])
        with servers.valkey.away():
            already = stored(migrated)
            eventually(lambda: stored(migrated) > already + 2 * RATE, "storing stood still without Redis")
        _check_all_stored(migrated, stream.finish())


def test_a_broker_killed_and_started_again_costs_nothing(migrated: Settings, servers: Servers) -> None:
    models.publish(migrated, models.a_model(), 1)
    with workers(migrated, score=1, store=1) as running, Stream(migrated, rate=RATE, at_least=2 * RATE) as stream:
        eventually(lambda: stored(migrated) > 1_000, lambda: running["store-1"].log[-2000:])
        servers.kafka.kill()
        servers.kafka.start()
        _check_all_stored(migrated, stream.finish())


def test_a_worker_stopped_while_postgres_is_away_ends_and_leaves_its_records_for_the_next(
    migrated: Settings, servers: Servers
) -> None:
    models.publish(migrated, models.a_model(), 1)
    with workers(migrated, score=1, store=1) as running, Stream(migrated, rate=RATE, at_least=RATE) as stream:
        eventually(lambda: stored(migrated) > 1_000, lambda: running["store-1"].log[-2000:])
        with servers.postgres.away():
            running["store-1"].wait_for("event=waiting what=Postgres error=")
            assert running["store-1"].terminate() == 0, running["store-1"].log[-5000:]
        running["store-1"].start()
        _check_all_stored(migrated, stream.finish())


def test_workers_started_while_kafka_is_away_wait_and_tell(migrated: Settings, servers: Servers) -> None:
    """Each by its heartbeats. One is stopped meanwhile; the others begin when Kafka is back."""
    models.publish(migrated, models.a_model(), 1)
    with ExitStack() as stack:
        with servers.kafka.away():
            running = stack.enter_context(workers(migrated, score=1, store=1, feedback=1, retrain=1))
            waiting = dict.fromkeys(running, "waiting for Kafka")
            eventually(lambda: _conditions(migrated) == waiting, lambda: str(_conditions(migrated)))
            assert running.pop("feedback-1").terminate() == 0
        for worker in running.values():
            worker.wait_for("worker_ready")
            assert worker.starts == 1


def test_workers_stopped_while_kafka_is_away_end(migrated: Settings, servers: Servers) -> None:
    """They can't commit; what they had in hand is read again."""
    models.publish(migrated, models.a_model(), 1)
    with workers(migrated, score=1, store=1, feedback=1, retrain=1) as running:
        for worker in running.values():
            worker.wait_for("worker_ready")
        with servers.kafka.away():
            for worker in running.values():
                worker.send(signal.SIGTERM)
            for worker in running.values():
                assert worker.terminate() in {0, 1}, worker.log[-3000:]


def test_while_postgres_is_read_only_every_role_waits_and_none_is_restarted(migrated: Settings) -> None:
    """A failover, or a full disk. Records, feedback and commands of that time are stored afterwards."""
    retrains.load(migrated)
    register(migrated)
    with workers(migrated, score=1, store=1, feedback=1, retrain=1) as running:
        for worker in running.values():
            worker.wait_for("worker_ready")
        with Stream(migrated, rate=RATE, at_least=2 * RATE) as stream:
            eventually(lambda: stored(migrated) > 1_000, lambda: running["store-1"].log[-2000:])
            with read_only(migrated):
                _scoring_goes_on(migrated)
                job = retrains.send(migrated, "hold")
                feedbacks.send(migrated, feedbacks.feedback("f-1", "yes", prediction="0-0-0", reviewer="ann"))
                for name in ("store-1", "feedback-1", "retrain-1"):
                    running[name].wait_for("Postgres is read-only")
            assert retrains.ended(migrated, job)["state"] == "promoted"
            _check_all_stored(migrated, stream.finish())
            eventually(lambda: value(migrated, "SELECT count(*) FROM corrections") == 1, "the feedback was lost")
            assert all(worker.running and "event=crashed" not in worker.log for worker in running.values())
