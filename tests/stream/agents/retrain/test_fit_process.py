"""The process that waits for the next training: one in the worker in charge, never longer alive than that worker."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest
from confluent_kafka import ConsumerGroupState
from confluent_kafka.admin import AdminClient

from relearn.agents.kafka.config import librdkafka_config
from relearn.schemas.settings import Settings
from relearn.scripts.embedded.keys import ensure_pair
from tests.support.data import retrains
from tests.support.processes.workers import WorkerProcess, workers
from tests.support.waiting import eventually


@pytest.fixture
def retrain(migrated: Settings) -> Iterator[WorkerProcess]:
    """One retrain worker on a namespace of its own, with a signing pair."""
    ensure_pair(migrated.keys_dir)
    with workers(migrated, retrain=1) as running:
        yield running["retrain-1"]


def _next(worker: WorkerProcess, before: psutil.Process) -> psutil.Process:
    """The process that waits, once it isn't `before` any more."""
    eventually(lambda: before not in retrains.training_processes(worker), "it was not replaced")
    return retrains.training_process(worker)


def test_a_job_is_trained_in_the_process_that_waited_for_it_and_then_another_one_waits(
    migrated: Settings, retrain: WorkerProcess
) -> None:
    retrains.load(migrated)
    waiting = retrains.training_process(retrain)
    waiting.suspend()
    job = retrains.send(migrated, "train")
    eventually(lambda: retrains.state_of(migrated, job) == "running", lambda: retrain.log[-3000:])
    assert retrains.training_processes(retrain) == [waiting]
    waiting.resume()
    assert retrains.ended(migrated, job, lambda: retrain.log[-3000:])["state"] == "promoted"
    assert _next(retrain, waiting) != waiting
    assert len(retrains.training_processes(retrain)) == 1
    assert retrains.gone(waiting)


def test_one_that_was_killed_while_it_waited_costs_no_job_and_is_replaced(
    migrated: Settings, retrain: WorkerProcess
) -> None:
    retrains.load(migrated)
    killed = retrains.training_process(retrain)
    killed.kill()
    job = retrains.ended(migrated, retrains.send(migrated, "train"), lambda: retrain.log[-3000:])
    assert (job["state"], job["error"]) == ("promoted", None)
    killed = _next(retrain, killed)
    killed.kill()
    _next(retrain, killed)
    retrain.wait_for("event=training_process_died")


def test_it_ends_with_its_worker_however_that_ends(migrated: Settings, retrain: WorkerProcess) -> None:
    waiting = retrains.training_process(retrain)
    retrain.kill()
    eventually(lambda: retrains.gone(waiting), "it outlives a worker that was killed")
    retrain.start()
    waiting = retrains.training_process(retrain)
    assert retrain.terminate() == 0
    assert retrains.gone(waiting)


def test_only_the_worker_in_charge_has_one(migrated: Settings, retrain: WorkerProcess) -> None:
    """The other one gets its own when it takes over."""
    other = WorkerProcess(migrated, "retrain", "retrain-2")
    try:
        eventually(lambda: _settled(migrated) == 2, lambda: other.log[-3000:])
        retrains.load(migrated)
        retrains.ended(migrated, retrains.send(migrated, "train"), lambda: retrain.log[-3000:] + other.log[-3000:])
        stands_by, in_charge = sorted((retrain, other), key=lambda one: "event=training " in one.log)
        retrains.training_process(in_charge)
        assert retrains.training_processes(stands_by) == []
        assert in_charge.terminate() == 0
        retrains.training_process(stands_by)
    finally:
        other.kill()


def _settled(settings: Settings) -> int:
    """How many members the group of retrain workers has; 0 during a rebalance."""
    group, admin = f"{settings.namespace}.retrain", AdminClient(librdkafka_config(settings))
    found = admin.describe_consumer_groups([group])[group].result(30)
    return len(found.members) if found.state == ConsumerGroupState.STABLE else 0
