"""The training process: the same bytes as here, a clear word, ready ahead of time, and none left behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
from sklearn.datasets import load_digits

from relearn.agents.learning.fit import fit
from relearn.agents.learning.fit_messages import encode_answer
from relearn.agents.learning.training_set import Example, TrainingSet, training_set
from relearn.agents.retrain import fit_runner as trainers
from relearn.agents.retrain.fit_process import PROGRAM
from relearn.agents.retrain.fit_runner import FitRunner
from relearn.schemas.errors import Refused, RelearnError, TrainingDied
from relearn.schemas.features import numbers_alone
from tests.support.waiting import DEADLINE_S


@pytest.fixture
async def trainer() -> AsyncIterator[FitRunner]:
    """One that leaves nothing behind."""
    one = FitRunner()
    yield one
    await one.dismiss()
    assert _children() == []


def _digits(n: int) -> TrainingSet:
    features, y = load_digits(return_X_y=True)
    names = [f"p{i}" for i in range(64)]
    return training_set(numbers_alone(names), [Example(i, f"digits-{i}", features[i], str(y[i])) for i in range(n)])


def _children() -> list[psutil.Process]:
    """The training processes of this one."""
    found = []
    for child in psutil.Process().children():
        try:
            if PROGRAM in child.cmdline():
                found.append(child)
        except psutil.Error:
            continue
    return found


async def _until(condition: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, otherwise
        await asyncio.sleep(0.01)


async def _waiting(trainer: FitRunner) -> psutil.Process:
    """The one that waits, once it is known by its name."""
    await trainer.stand_by()
    await _until(lambda: len(_children()) == 1, "no process waits")
    return _children()[0]


async def test_another_process_gives_the_same_bytes(trainer: FitRunner) -> None:
    examples = _digits(150)
    assert encode_answer(await trainer.train(examples)) == encode_answer(fit(examples))


async def test_what_lies_in_the_working_directory_is_not_imported(
    trainer: FitRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """numpy imports `random`, and `-m` alone would find this one first."""
    (tmp_path / "random.py").write_text("raise SystemExit('imported from the working directory')")
    monkeypatch.chdir(tmp_path)
    assert (await trainer.train(_digits(60))).classes == tuple("0123456789")


async def test_the_process_says_why_nothing_can_be_learned(trainer: FitRunner) -> None:
    examples = training_set(numbers_alone(["x"]), [Example(i, str(i), [float(i)], "a") for i in range(5)])
    with pytest.raises(Refused, match="all 5 examples are of one class, 'a'"):
        await trainer.train(examples)


async def test_a_process_that_breaks_gives_its_last_words(trainer: FitRunner) -> None:
    broken = TrainingSet(
        numbers_alone(("x",)), (1, 2), ("a", "b"), np.ones((4, 1)), ("p", "q"), ("bootstrap",) * 2, np.ones(2), {}, 2
    )
    with pytest.raises(TrainingDied, match=r"the training process ended with 1: \w+Error"):
        await trainer.train(broken)


async def test_a_training_that_is_cancelled_leaves_no_process(trainer: FitRunner) -> None:
    task = asyncio.create_task(trainer.train(_digits(1797)))
    await _until(lambda: _children() != [], "no process was started")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _children() == []


async def test_a_training_that_hangs_is_ended(trainer: FitRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainers, "TIMEOUT_S", 0.2)
    with pytest.raises(RelearnError, match=r"ended after 0\.2 s"):
        await trainer.train(_digits(1797))
    assert _children() == []


async def test_the_process_that_waits_takes_the_next_task_and_no_other(trainer: FitRunner) -> None:
    """Held, so that there is something to see: the training that is asked for is in its hands."""
    waiting = await _waiting(trainer)
    await trainer.stand_by()
    assert _children() == [waiting]
    waiting.suspend()
    task = asyncio.create_task(trainer.train(_digits(60)))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(task), 0.1)
    assert _children() == [waiting]
    waiting.resume()
    assert encode_answer(await task) == encode_answer(fit(_digits(60)))
    assert _children() == []


async def test_a_process_that_was_killed_while_it_waited_costs_no_training(trainer: FitRunner) -> None:
    """Also in its first moment; without a training, another one soon waits in its place."""
    killed = await _waiting(trainer)
    killed.kill()
    await _until(lambda: _children() == [], "it lives on")
    assert (await trainer.train(_digits(60))).classes == tuple("0123456789")
    killed = await _waiting(trainer)
    killed.kill()
    await _until(lambda: _children() == [], "it lives on")
    end = time.monotonic() + DEADLINE_S
    while not _children():
        assert time.monotonic() < end, "none waits any more"
        await trainer.stand_by()
        await asyncio.sleep(0.01)
    assert _children() != [killed]


async def test_a_process_does_not_wait_for_ever(trainer: FitRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await _waiting(trainer)
    monkeypatch.setattr(trainers, "WAITS_AT_MOST_S", 0.0)
    second = await _waiting(trainer)
    assert first != second
    assert encode_answer(await trainer.train(_digits(60))) == encode_answer(fit(_digits(60)))
