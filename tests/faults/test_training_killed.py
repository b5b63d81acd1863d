"""A training process that is killed from outside, as by the kernel where memory is short: the job tries again."""

from __future__ import annotations

import pytest

from relearn.schemas.settings import Settings
from relearn.scripts.embedded.keys import ensure_pair
from tests.support.data import retrains
from tests.support.faults.agreement import one_model_per_job
from tests.support.processes.logs import events
from tests.support.processes.workers import workers

KILLED = "the training process was killed by signal 9, as by a system that is short of memory: without a word"


@pytest.fixture
def settings(migrated: Settings) -> Settings:
    """A namespace with a signing pair, and examples to train on."""
    ensure_pair(migrated.keys_dir)
    retrains.load(migrated)
    return migrated


def test_a_training_whose_process_is_killed_is_tried_again_by_the_same_job(settings: Settings) -> None:
    with workers(settings, retrain=1) as running:
        retrain = running["retrain-1"]
        process = retrains.training_process(retrain)
        process.suspend()
        job = retrains.send(settings, "train")
        retrain.wait_for(f"event=training_process_taken pid={process.pid} ")
        process.kill()
        ended = retrains.ended(settings, job, lambda: retrain.log[-3000:])
        assert (ended["state"], ended["version"], ended["error"]) == ("promoted", 1, None)
        assert [one["error"].strip('"') for one in events(retrain.log, "training_again")] == [KILLED]
        one_model_per_job(settings)
