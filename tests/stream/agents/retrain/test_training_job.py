"""A training job whose processes die: a few attempts and a reason, or left open for the next worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from relearn.agents.availability.retry import Stopping
from relearn.agents.kafka.limits import MessageLimits
from relearn.agents.retrain import training_job
from relearn.agents.retrain.context import RetrainContext
from relearn.agents.retrain.fit_process import PROGRAM
from relearn.agents.retrain.training_job import run_job, train
from relearn.agents.stores.training.jobs import Job, queue_job, read_job, take_training
from relearn.agents.worker.state import WorkerState
from relearn.schemas.messages.commands import Command
from relearn.schemas.settings import Settings
from tests.support.data import retrains
from tests.support.servers.namespaces import Namespaces
from tests.support.servers.topic_limits import set_max_bytes

#: Every Python that has it on its path reads it: a training process notes that it was there, and kills itself.
_KILLS = """
import os, signal, sys
if {program!r} in sys.orig_argv:
    with open({starts!r}, "a") as starts:
        starts.write("x")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], int]:
    """Training processes kill themselves; how many have been started."""
    path = tmp_path / "starts"
    (tmp_path / "sitecustomize.py").write_text(_KILLS.format(program=PROGRAM, starts=str(path)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(training_job, "AGAIN_AFTER_S", (0.0, 0.0, 0.0))
    return lambda: len(path.read_text())


def _run(settings: Settings, *, stop: bool = False, in_charge: bool = True) -> Job | None:
    """The job, after a worker that is, or will soon be, asked to stop or no longer in charge has run it."""
    retrains.load(settings)
    parts: Any = (None, None, None)
    state = WorkerState("retrain-1", "retrain")

    async def run() -> Job | None:
        limits = MessageLimits(settings)
        context = RetrainContext(settings, state, *parts, limits, stop=lambda: stop, in_charge=lambda: in_charge)
        pool = await context.pool()
        async with pool.acquire() as connection:
            await queue_job(connection, Command("job-1", "train", {"trigger": "count"}))
        job = await take_training(pool)
        assert job is not None
        try:
            await run_job(context, job, train)
        except Stopping:
            assert stop
        found = await read_job(pool, job.id)
        context.close()
        return found

    return asyncio.run(run())


def test_one_that_always_dies_fails_after_a_few_attempts(migrated: Settings, starts: Callable[[], int]) -> None:
    job = _run(migrated)
    assert job is not None
    assert (job.state, job.version) == ("failed", None)
    assert job.error == (
        "the training process was killed by signal 9, as by a system that is short of memory: without a word;"
        " given up after 4 attempts"
    )
    assert starts() == 4


def test_a_model_that_its_topic_can_not_take_is_not_trained(namespaces: Namespaces, tmp_path: Path) -> None:
    """Its arrays and names are 115 bytes: known before the fit."""
    settings = namespaces.fresh(tmp_path)
    set_max_bytes(settings, "model-updates", 114)
    job = _run(settings)
    assert job is not None
    assert (job.state, job.version) == ("failed", None)
    assert job.error == (
        "a model of 4 features and these classes takes at least 115 bytes; topic `model-updates` takes at most 114"
    )


def test_an_error_that_nothing_expects_fails_the_job_and_not_the_worker(
    migrated: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next process would meet it again, and no job after this one would run."""

    async def fail(*_: object) -> None:
        raise asyncpg.PostgresSyntaxError("a defect of ours")

    monkeypatch.setattr(training_job, "read_admitted", fail)
    job = _run(migrated)
    assert job is not None
    assert (job.state, job.error) == ("failed", "PostgresSyntaxError: a defect of ours")


@pytest.mark.parametrize("given", [{"stop": True}, {"in_charge": False}])
def test_a_worker_that_should_not_go_on_leaves_it_open(
    migrated: Settings, starts: Callable[[], int], given: dict[str, bool]
) -> None:
    """Asked to stop, or another one has the commands now: there the job is run from its start."""
    job = _run(migrated, **given)
    assert job is not None
    assert (job.state, job.error) == ("running", None)
    assert starts() == 1
