"""Feedback workers killed while they ask for a training: one job for the same facts, and every correction is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from relearn.schemas.identity import Place
from relearn.schemas.messages.commands import Command, decode_command
from relearn.schemas.messages.feedback import Feedback
from relearn.schemas.settings import Settings
from relearn.scripts.embedded.keys import ensure_pair
from tests.support.data import feedbacks, registered, retrains, reviewed
from tests.support.data.rows import caught_up, messages, query, value
from tests.support.processes.workers import WorkerProcess, workers
from tests.support.size import FULL
from tests.support.waiting import eventually

Running = dict[str, WorkerProcess]
PARTITIONS = 8
BURST = 2_000 if FULL else 200


@pytest.fixture
def settings(migrated: Settings) -> Settings:
    """A first champion that has seen 14 records, and no cooldown after its training."""
    ensure_pair(migrated.keys_dir)
    retrains.load(migrated, 14)
    assert registered.register(migrated) == 1
    return migrated.model_copy(update={"retrain_cooldown_s": 0.0})


@pytest.fixture
def running(settings: Settings) -> Iterator[Running]:
    """Two feedback workers; no worker executes their commands until a test starts one."""
    with workers(settings, feedback=2) as started:
        for worker in started.values():
            worker.wait_for("event=worker_ready")
        yield started


def _corrections(settings: Settings, count: int) -> list[Feedback]:
    """Corrections of `count` stored wrong predictions of the champion."""
    features, truth = reviewed.records(20 * count)
    offsets, answers, _ = reviewed.predict(settings, features, reviewed.model_of(settings, 1))
    wrong = [i for i in range(len(truth)) if answers[i] != truth[i]][:count]
    assert len(wrong) == count
    places = [Place(0, 0, offsets[i], 0) for i in wrong]
    return [
        Feedback(f"f-{place}", truth[i], place, reviewer="ann", via="audit")
        for i, place in zip(wrong, places, strict=True)
    ]


def _say(settings: Settings, said: Sequence[Feedback]) -> None:
    """Over all partitions, so that every worker has a part of it."""
    for partition in range(PARTITIONS):
        feedbacks.send(settings, *said[partition::PARTITIONS], partition=partition)


def _asked(settings: Settings) -> list[Command]:
    """Every command that was sent."""
    return [decode_command(message.value()) for message in messages(settings, "commands")]


def _asker(running: Running) -> WorkerProcess:
    """A worker that has logged its command."""
    found: list[WorkerProcess] = []

    def asked() -> bool:
        found[:] = [worker for worker in running.values() if "event=retrain_asked" in worker.log]
        return found != []

    eventually(asked, lambda: _logs(running))
    return found[0]


def _all_ended(settings: Settings, running: Running) -> list[tuple[str, str, str | None]]:
    """Id, state and error of every training that was asked for, once a new retrain worker has done them all."""
    worker = running["retrain-1"] = WorkerProcess(settings, "retrain", "retrain-1")
    eventually(lambda: caught_up(settings, "retrain", "commands"), lambda: worker.log[-3000:])
    for command in _asked(settings):
        retrains.ended(settings, command.id, lambda: worker.log[-3000:])
    trainings = query(settings, "SELECT id, state, error FROM jobs WHERE by IS NULL ORDER BY number")
    return [tuple(row) for row in trainings]


def _all_kept(settings: Settings, said: Sequence[Feedback]) -> None:
    """Each statement is a row, once; nothing waits, nothing is dead."""
    rows = [row["feedback"] for row in query(settings, "SELECT feedback FROM corrections")]
    assert sorted(rows) == sorted(one.id for one in said)
    assert value(settings, "SELECT count(*) FROM waiting_feedback") == 0
    assert messages(settings, "dead-letters") == []


def test_killed_when_it_has_asked_it_asks_for_the_same_job_again(settings: Settings, running: Running) -> None:
    """First the other worker takes over and asks, then the killed one is back: all ask for one job."""
    said = _corrections(settings, 20)
    _say(settings, said)
    eventually(lambda: len(_asked(settings)) == 1, lambda: _logs(running))
    first = _asker(running)
    first.kill()
    eventually(lambda: len(_asked(settings)) == 2, lambda: _logs(running))
    first.start()
    asked = _asked(settings)
    assert len({command.id for command in asked}) == 1
    assert asked[0].reason == asked[1].reason
    assert (asked[0].reason["trigger"], asked[0].reason["cut"]) == ("count", 20)
    assert _all_ended(settings, running) == [(asked[0].id, "promoted", None)]
    _say(settings, said)
    eventually(lambda: caught_up(settings, "feedback", "feedback"), lambda: _logs(running))
    assert {command.id for command in _asked(settings)} == {asked[0].id}
    _all_kept(settings, said)


def test_two_workers_in_a_burst_with_kills_make_one_training_and_keep_everything(
    settings: Settings, running: Running
) -> None:
    """Every correction is sent twice, as by a client without a response."""
    said = _corrections(settings, BURST)
    _say(settings, [*said, *said])
    eventually(lambda: value(settings, "SELECT count(*) FROM corrections") > 0, lambda: _logs(running))
    running["feedback-2"].kill()
    running["feedback-2"].start()
    eventually(lambda: len(_asked(settings)) > 0, lambda: _logs(running))
    asker = _asker(running)
    asker.kill()
    asker.start()
    eventually(lambda: caught_up(settings, "feedback", "feedback"), lambda: _logs(running))
    _all_kept(settings, said)
    trainings = _all_ended(settings, running)
    assert [state for _, state, _ in trainings if state != "skipped"] == ["promoted"]
    for _, state, error in trainings:
        assert state == "promoted" or "another training job is open" in str(error) or "a job has ended" in str(error)
    facts = {(one.reason["activation"], one.reason["cut"], one.reason["trigger"]): one.id for one in _asked(settings)}
    assert {job for job, _, _ in trainings} == set(facts.values())
    _all_kept(settings, said)


def _logs(running: Running) -> str:
    return "\n".join(worker.log[-2000:] for worker in running.values())
