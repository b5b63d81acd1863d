"""The retrain worker as a process: commands come to jobs, jobs to models, models to the topic."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psutil
import pytest

from relearn.schemas.settings import Settings
from relearn.scripts.embedded.keys import ensure_pair
from tests.support.data import retrains
from tests.support.data.rows import caught_up, messages, query, value
from tests.support.processes.workers import WorkerProcess, workers
from tests.support.waiting import eventually


@pytest.fixture
def retrain(migrated: Settings) -> Iterator[WorkerProcess]:
    """One retrain worker on a namespace of its own, with a signing pair."""
    ensure_pair(migrated.keys_dir)
    with workers(migrated, retrain=1) as running:
        yield running["retrain-1"]


def _champion(settings: Settings) -> tuple[int, int] | None:
    update = retrains.tail(settings)
    return None if update is None or update.model is None else (update.activation, update.model.version)


def _becomes(settings: Settings, champion: tuple[int, int], worker: WorkerProcess) -> None:
    eventually(
        lambda: _champion(settings) == champion, lambda: f"{_champion(settings)} on the topic\n{worker.log[-3000:]}"
    )


def test_a_life_of_models(migrated: Settings, retrain: WorkerProcess) -> None:
    """Train, train again on nothing new, on more, activate, roll back, and refused commands have a reason."""
    settings = migrated
    retrains.load(settings, 14)
    first = retrains.send(settings, "train")
    job = retrains.ended(settings, first, lambda: retrain.log[-3000:])
    assert (job["state"], job["version"], job["error"]) == ("promoted", 1, None)
    assert job["metrics"]["examples"] == 14
    assert job["metrics"]["gate"]["path"] == "first"
    _becomes(settings, (1, 1), retrain)
    update = retrains.tail(settings)
    assert update is not None
    assert (update.job, update.reason) == (first, {"trigger": "manual"})

    same = retrains.ended(settings, retrains.send(settings, "train"))
    assert same["state"] == "skipped"
    assert "these very examples" in same["error"]

    retrains.load(settings, 200, seed=1, prefix="more")
    second = retrains.ended(settings, retrains.send(settings, "train"))
    assert (second["state"], second["version"], second["champion"]) == ("promoted", 2, 1), second["metrics"]["gate"]
    assert second["metrics"]["gate"]["path"] == "evidence"
    _becomes(settings, (2, 2), retrain)

    assert retrains.ended(settings, retrains.send(settings, "activate", 1))["state"] == "promoted"
    _becomes(settings, (3, 1), retrain)
    back = retrains.ended(settings, retrains.send(settings, "rollback"))
    assert (back["state"], back["version"]) == ("promoted", 2)
    _becomes(settings, (4, 2), retrain)
    assert [(v, state) for v, state, _ in retrains.models(settings)] == [(1, "rolled-back"), (2, "champion")]

    for verb, version, why in (
        ("activate", 2, "champion already"),
        ("activate", 7, "no model 7"),
        ("activate", 1, "model 1 was rolled back; `--force` (in the API `?force=true`) activates it all the same"),
        ("rollback", None, "no former champion"),
        ("hold", None, "on hold already: rolled back to model 2 by tests"),
    ):
        refused = retrains.ended(settings, retrains.send(settings, verb, version))
        assert refused["state"] == "skipped"
        assert why in refused["error"]
    forced = retrains.ended(settings, retrains.send(settings, "activate", 1, force=True))
    assert (forced["state"], json.loads(forced["reason"])) == ("promoted", {"trigger": "manual", "forced": True})
    _becomes(settings, (5, 1), retrain)
    for verb in ("resume", "hold", "resume"):
        assert retrains.ended(settings, retrains.send(settings, verb))["state"] == "promoted"
    assert "nothing is on hold" in retrains.ended(settings, retrains.send(settings, "resume"))["error"]
    assert value(settings, "SELECT count(*) FROM activations WHERE published_at IS NULL") == 0
    assert retrain.terminate() == 0, retrain.log[-3000:]
    assert caught_up(settings, "retrain", "commands")


def test_the_same_command_twice_is_one_job(migrated: Settings, retrain: WorkerProcess) -> None:
    retrains.load(migrated)
    command = retrains.send(migrated, "train", command_id="once")
    retrains.send(migrated, "train", command_id="once")
    retrains.ended(migrated, command, lambda: retrain.log[-3000:])
    retrains.send(migrated, "train", command_id="once")
    retrains.ended(migrated, retrains.send(migrated, "hold"))
    assert [job for _, _, job in retrains.models(migrated)] == ["once"]
    assert value(migrated, "SELECT count(*) FROM jobs") == 2


def test_what_cannot_be_learned_fails_with_its_reason(migrated: Settings, retrain: WorkerProcess) -> None:
    """No examples at all; labels that mean nothing."""
    nothing = retrains.ended(migrated, retrains.send(migrated, "train"), lambda: retrain.log[-3000:])
    assert (nothing["state"], nothing["error"]) == ("failed", "there are no examples to train on")
    retrains.load(migrated, 60, noise=True)
    noise = retrains.ended(migrated, retrains.send(migrated, "train"))
    assert noise["state"] == "rejected"
    assert "'no' every time is right in 75.0%" in noise["error"]
    assert [state for _, state, _ in retrains.models(migrated)] == ["rejected"]
    assert retrains.tail(migrated) is None


def test_commands_that_cannot_be_read_are_dead_letters_and_the_next_one_is_obeyed(
    migrated: Settings, retrain: WorkerProcess
) -> None:
    bad = [
        b"\xc1",
        b"",
        b'{"id": "x", "command": "dance"}',
        b'{"id": "x", "command": "train", "reason": {"a": "\\u0000"}}',
    ]
    bad.append(b'{"id": "x", "command": "activate", "version": 99999999999}')
    for message in bad:
        retrains.put(migrated, "commands", message)
    retrains.ended(migrated, retrains.send(migrated, "hold"), lambda: retrain.log[-3000:])
    eventually(lambda: len(messages(migrated, "dead-letters")) == len(bad), "a dead letter is missing")
    letters = [dict(letter.headers()) for letter in messages(migrated, "dead-letters")]
    assert {(one["agent"], one["topic"].decode()) for one in letters} == {
        (b"retrain", f"{migrated.namespace}.commands")
    }
    assert {int(one["offset"]) for one in letters} == set(range(len(bad)))
    assert {letter.value() or b"" for letter in messages(migrated, "dead-letters")} == set(bad)
    assert value(migrated, "SELECT count(*) FROM jobs") == 1


def test_a_second_training_while_one_is_open_is_skipped_and_an_end_costs_no_job(
    migrated: Settings, retrain: WorkerProcess
) -> None:
    """kill -9 and SIGTERM during a training: no process is left, and that job makes one model later."""
    retrains.load(migrated)
    process = _suspended(retrain)
    long = retrains.send(migrated, "train")
    skipped = retrains.ended(migrated, retrains.send(migrated, "train"), lambda: retrain.log[-3000:])
    assert skipped["state"] == "skipped"
    assert long in skipped["error"]
    eventually(lambda: retrains.state_of(migrated, long) == "running", lambda: retrain.log[-3000:])
    retrain.kill()
    process.resume()
    eventually(lambda: retrains.gone(process), "the training outlives its worker")
    retrain.start()
    assert retrains.ended(migrated, long, lambda: retrain.log[-3000:])["state"] == "promoted"
    _becomes(migrated, (1, 1), retrain)
    assert retrains.models(migrated) == [(1, "champion", long)]
    assert [row[0] for row in query(migrated, "SELECT activation FROM activations")] == [1]
    retrains.load(migrated, 80, seed=1, prefix="more")
    process = _suspended(retrain)
    other = retrains.send(migrated, "train")
    eventually(lambda: retrains.state_of(migrated, other) == "running", lambda: retrain.log[-3000:])
    assert retrain.terminate() == 0
    assert retrains.gone(process)
    assert retrains.state_of(migrated, other) == "running"
    retrain.start()
    assert retrains.ended(migrated, other, lambda: retrain.log[-3000:])["state"] != "failed"
    assert [job for _, _, job in retrains.models(migrated)] == [long, other]


def _suspended(worker: WorkerProcess) -> psutil.Process:
    """The process that waits for the next training, which therefore doesn't end."""
    process = retrains.training_process(worker)
    process.suspend()
    return process


def test_a_topic_that_was_overwritten_is_mended(migrated: Settings, retrain: WorkerProcess) -> None:
    """By a foreign message, by a tombstone, while the worker is away, and when nothing but Postgres is left."""
    retrains.load(migrated)
    retrains.ended(migrated, retrains.send(migrated, "train"), lambda: retrain.log[-3000:])
    _becomes(migrated, (1, 1), retrain)
    for foreign in (b"foreign", None):
        retrains.put(migrated, "model-updates", foreign, b"champion")
        _becomes(migrated, (1, 1), retrain)
    retrain.kill()
    retrains.put(migrated, "model-updates", b"foreign", b"champion")
    retrain.start()
    _becomes(migrated, (1, 1), retrain)
    assert value(migrated, "SELECT count(*) FROM activations") == 1


def test_a_worker_without_a_signing_key_does_not_start(migrated: Settings) -> None:
    with workers(migrated, retrain=1) as running:
        retrain = running["retrain-1"]
        eventually(lambda: not retrain.running, "it runs without a key")
        assert retrain.terminate() == 2
        assert "RELEARN_SIGNING_KEY_FILE" in retrain.log.strip().splitlines()[-1]
