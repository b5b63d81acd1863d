"""The training process: the same bytes as here, a clear word, and no process left behind."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from sklearn.datasets import load_digits

from agents import trainer
from agents.learning.examples import Example, TrainingSet, training_set
from agents.learning.fit import fit
from agents.learning.fitted import encode_answer
from agents.trainer import train
from schemas.errors import Refused, RelearnError
from tests.waiting import DEADLINE_S


def _digits(n: int) -> TrainingSet:
    features, y = load_digits(return_X_y=True)
    names = [f"p{i}" for i in range(64)]
    return training_set(names, [Example(i, f"digits-{i}", features[i], str(y[i])) for i in range(n)])


def _children() -> list[psutil.Process]:
    """The training processes of this one."""
    found = []
    for child in psutil.Process().children():
        try:
            if trainer._PROGRAM in child.cmdline():
                found.append(child)
        except psutil.Error:
            continue
    return found


async def test_another_process_gives_the_same_bytes() -> None:
    examples = _digits(150)
    assert encode_answer(await train(examples)) == encode_answer(fit(examples))


async def test_what_lies_in_the_working_directory_is_not_imported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """numpy imports `random`, and `-m` alone would find this one first."""
    (tmp_path / "random.py").write_text("raise SystemExit('imported from the working directory')")
    monkeypatch.chdir(tmp_path)
    assert (await train(_digits(60))).classes == tuple("0123456789")


async def test_the_process_says_why_nothing_can_be_learned() -> None:
    examples = training_set(["x"], [Example(i, str(i), [float(i)], "a") for i in range(5)])
    with pytest.raises(Refused, match="all 5 examples are of one class, 'a'"):
        await train(examples)


async def test_a_process_that_breaks_gives_its_last_words() -> None:
    broken = TrainingSet(("x",), (1, 2), ("a", "b"), np.ones((4, 1)), ("p", "q"), ("bootstrap",) * 2, np.ones(2), {})
    with pytest.raises(RelearnError, match=r"the training process ended with 1: \w+Error"):
        await train(broken)


async def test_a_training_that_is_cancelled_leaves_no_process() -> None:
    task = asyncio.create_task(train(_digits(1797)))
    end = time.monotonic() + DEADLINE_S
    while not _children():
        assert time.monotonic() < end, "no process was started"
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _children() == []


async def test_a_training_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "TIMEOUT_S", 0.2)
    with pytest.raises(RelearnError, match=r"ended after 0\.2 s"):
        await train(_digits(1797))
    assert _children() == []
