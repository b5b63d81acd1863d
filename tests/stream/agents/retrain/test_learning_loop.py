"""From a correction on the topic to a better model on the topic: feedback and retrain workers, by themselves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from relearn.agents.models.signing_keys import load_verifier
from relearn.schemas.identity import Place
from relearn.schemas.messages.feedback import Feedback, encode_feedback
from relearn.schemas.model.signed_updates import decode_update
from relearn.schemas.settings import Settings
from relearn.scripts.embedded.keys import ensure_pair
from tests.support.data import retrains, reviewed
from tests.support.data.rows import caught_up, messages, value
from tests.support.processes.workers import WorkerProcess, workers
from tests.support.waiting import eventually


@pytest.fixture
def running(migrated: Settings) -> Iterator[dict[str, WorkerProcess]]:
    """A feedback and a retrain worker, and a first champion that has seen 14 records."""
    ensure_pair(migrated.keys_dir)
    with workers(migrated.model_copy(update={"retrain_cooldown_s": 0.0}), retrain=1, feedback=1) as started:
        retrains.load(migrated, 14)
        first = retrains.ended(migrated, retrains.send(migrated, "train"), lambda: started["retrain-1"].log[-3000:])
        assert first["state"] == "promoted"
        yield started


def _say(settings: Settings, offsets: list[int], labels: list[str], *, via: str = "audit", run: str = "f") -> None:
    for offset, label in zip(offsets, labels, strict=True):
        one = Feedback(f"{run}-{offset}", label, Place(0, 0, offset, 0), reviewer="ann", via=via)  # type: ignore[arg-type]
        retrains.put(settings, "feedback", encode_feedback(one))


def _trainings(settings: Settings) -> int:
    return int(value(settings, "SELECT count(*) FROM jobs WHERE command = 'train'"))


def _errors(settings: Settings, count: int, *, seed: int = 5) -> tuple[list[int], list[str]]:
    """Stored predictions of the champion that are wrong, and their right labels."""
    features, truth = reviewed.records(40 * count, seed=seed)
    offsets, answers, _ = reviewed.predict(settings, features, reviewed.model_of(settings, 1))
    wrong = [i for i in range(len(truth)) if answers[i] != truth[i]][:count]
    assert len(wrong) == count
    return [offsets[i] for i in wrong], [truth[i] for i in wrong]


def test_twenty_corrections_make_a_better_model_and_nineteen_do_not(
    migrated: Settings, running: dict[str, WorkerProcess]
) -> None:
    offsets, labels = _errors(migrated, 20)
    _say(migrated, offsets[:19], labels[:19])
    eventually(lambda: value(migrated, "SELECT count(*) FROM corrections") == 19, "not stored")
    asked = running["feedback-1"].log.count("event=retrain_asked")
    assert (asked, _trainings(migrated)) == (0, 1)
    _say(migrated, offsets[19:], labels[19:])
    eventually(lambda: reviewed.job_of(migrated, "count") is not None, lambda: running["feedback-1"].log[-3000:])
    job = reviewed.job_of(migrated, "count")
    assert job is not None
    ended = retrains.ended(migrated, job["id"], lambda: running["retrain-1"].log[-3000:])
    assert ended["state"] == "promoted", ended["metrics"]["gate"]
    assert (job["reason"]["corrections"], job["reason"]["cut"], job["reason"]["activation"]) == (20, 20, 1)
    eventually(lambda: _live(migrated) == 2, "the topic doesn't say so")


def _live(settings: Settings) -> int | None:
    found = [one for one in messages(settings, "model-updates") if one.key() == b"champion"]
    model = decode_update(found[-1].value(), load_verifier(settings), settings.namespace).model
    return None if model is None else model.version


def test_the_same_facts_never_make_a_second_job(migrated: Settings, running: dict[str, WorkerProcess]) -> None:
    """The worker is killed, all feedback is sent again, and the worker restarts: one job."""
    offsets, labels = _errors(migrated, 20)
    _say(migrated, offsets, labels)
    eventually(lambda: reviewed.job_of(migrated, "count") is not None, lambda: running["feedback-1"].log[-3000:])
    job = reviewed.job_of(migrated, "count")
    assert job is not None
    retrains.ended(migrated, job["id"])
    for _ in range(2):
        running["feedback-1"].kill()
        _say(migrated, offsets, labels)
        running["feedback-1"].start()
        eventually(lambda: _seen(migrated, running), lambda: running["feedback-1"].log[-3000:])
    assert value(migrated, "SELECT count(*) FROM corrections") == 20
    assert _trainings(migrated) == 2


def _seen(settings: Settings, running: dict[str, WorkerProcess]) -> bool:
    """The worker has committed all that stands on the topic."""
    return running["feedback-1"].running and caught_up(settings, "feedback", "feedback")


def test_a_hold_keeps_corrections_for_later(migrated: Settings, running: dict[str, WorkerProcess]) -> None:
    retrains.ended(migrated, retrains.send(migrated, "hold"))
    offsets, labels = _errors(migrated, 20)
    _say(migrated, offsets, labels)
    eventually(lambda: value(migrated, "SELECT count(*) FROM corrections") == 20, "not stored")
    assert _trainings(migrated) == 1
    retrains.ended(migrated, retrains.send(migrated, "resume"))
    eventually(lambda: reviewed.job_of(migrated, "count") is not None, lambda: running["feedback-1"].log[-3000:])


def test_what_was_refused_on_hold_is_asked_again_after_resume(
    migrated: Settings, running: dict[str, WorkerProcess]
) -> None:
    """The policy asked before it knew of the hold: the command waits in Kafka behind it."""
    running["retrain-1"].kill()
    hold = retrains.send(migrated, "hold")
    offsets, labels = _errors(migrated, 20)
    _say(migrated, offsets, labels)
    eventually(lambda: "event=retrain_asked" in running["feedback-1"].log, lambda: running["feedback-1"].log[-3000:])
    running["retrain-1"].start()
    retrains.ended(migrated, hold)
    eventually(lambda: reviewed.job_of(migrated, "count") is not None, lambda: running["retrain-1"].log[-3000:])
    refused = reviewed.job_of(migrated, "count")
    assert refused is not None
    assert "on hold" in retrains.ended(migrated, refused["id"])["error"]
    retrains.ended(migrated, retrains.send(migrated, "resume"))
    promoted = "SELECT count(*) FROM jobs WHERE reason->>'trigger' = 'count' AND state = 'promoted'"
    eventually(lambda: value(migrated, promoted) == 1, lambda: running["retrain-1"].log[-3000:])
