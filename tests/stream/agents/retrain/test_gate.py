"""A challenger in the real worker: promoted where it is shown better, else a shadow; rolled back where it is worse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from relearn.agents.models.signing_keys import load_verifier
from relearn.schemas.api_keys import read_key
from relearn.schemas.messages.commands import Command, encode_command
from relearn.schemas.model.signed_updates import decode_update
from relearn.schemas.settings import Settings
from relearn.scripts.embedded.keys import ensure_pair
from tests.support.data import retrains, reviewed
from tests.support.data.rows import messages, query, value
from tests.support.processes.commands import relearn
from tests.support.processes.workers import WorkerProcess, workers
from tests.support.waiting import eventually


@pytest.fixture
def settings(migrated: Settings) -> Settings:
    """A namespace with a signing pair, and shadows that end by evidence alone."""
    ensure_pair(migrated.keys_dir)
    return migrated


@pytest.fixture
def retrain(settings: Settings) -> Iterator[WorkerProcess]:
    """A retrain worker, and a first champion that has seen 14 records."""
    with workers(settings, retrain=1) as running:
        retrains.load(settings, 14)
        worker = running["retrain-1"]
        job = retrains.ended(settings, retrains.send(settings, "train"), lambda: worker.log[-3000:])
        assert job["state"] == "promoted", job
        yield worker


def _train(settings: Settings) -> dict[str, Any]:
    """A training by hand, once it is judged."""
    return retrains.ended(settings, retrains.send(settings, "train"))


def _shadow_role(settings: Settings) -> str | None:
    """The latest message about shadows on the topic."""
    found = [one for one in messages(settings, "model-updates") if one.key() == b"shadow"]
    return decode_update(found[-1].value(), load_verifier(settings), settings.namespace).role if found else None


def _promoted_by_evidence(settings: Settings) -> dict[str, Any]:
    """120 audited records, and a challenger that learned from them."""
    features, truth = reviewed.records(120)
    offsets, _, _ = reviewed.predict(settings, features, reviewed.model_of(settings, 1))
    reviewed.review(settings, offsets, truth)
    return _train(settings)


def _shadowed(settings: Settings) -> dict[str, Any]:
    """A challenger on three corrections: too few to tell."""
    features, truth = reviewed.records(60)
    offsets, answers, _ = reviewed.predict(settings, features, reviewed.model_of(settings, 1))
    wrong = [i for i in range(60) if answers[i] != truth[i]][:3]
    reviewed.review(settings, [offsets[i] for i in wrong], [truth[i] for i in wrong])
    job = _train(settings)
    assert job["state"] == "shadow", job["metrics"]["gate"]
    return job


def test_reviewed_records_promote_a_challenger_that_is_right_where_the_champion_was_wrong(
    settings: Settings, retrain: WorkerProcess
) -> None:
    job = _promoted_by_evidence(settings)
    gate = job["metrics"]["gate"]
    assert (job["state"], job["version"], gate["path"]) == ("promoted", 2, "evidence"), gate
    assert gate["silence"] is None, "silence was not needed"
    assert job["metrics"]["trained_on"]["reviewed"] == 120
    assert value(settings, "SELECT cut FROM models WHERE version = 2") == 120
    assert value(settings, "SELECT cardinality(correction_ids) FROM models WHERE version = 2") == 120
    assert value(settings, "SELECT cut FROM jobs WHERE id = $1", job["id"]) == 120


def test_corrections_alone_promote_where_the_challenger_keeps_what_nobody_objected_to(
    settings: Settings, retrain: WorkerProcess
) -> None:
    """Errors only, volunteered: no evidence, but by silence the rest was right."""
    features, truth = reviewed.records(200)
    offsets, answers, _ = reviewed.predict(settings, features, reviewed.model_of(settings, 1))
    wrong = [i for i in range(200) if answers[i] != truth[i]]
    reviewed.review(settings, [offsets[i] for i in wrong], [truth[i] for i in wrong], via="volunteer")
    job = _train(settings)
    gate = job["metrics"]["gate"]
    assert (job["state"], gate["path"]) == ("promoted", "silence"), gate
    assumed = job["metrics"]["trained_on"]["assumed"]
    assert 0 < assumed <= 5 * len(wrong)
    assert value(settings, "SELECT count(*) FROM assumed WHERE version = 2") == assumed


def test_a_shadow_is_promoted_by_what_reviewers_say_of_disagreements(
    settings: Settings, retrain: WorkerProcess
) -> None:
    job = _shadowed(settings)
    eventually(lambda: _shadow_role(settings) == "shadow", "the shadow was not published")
    assert retrains.models(settings)[1][:2] == (2, "shadow")
    again = _train(settings)
    assert (again["state"], "nothing new" in again["error"]) == ("skipped", True)
    _review_disagreements(settings, 8, champion_is_right=False)
    eventually(lambda: retrains.state_of(settings, job["id"]) == "promoted", lambda: retrain.log[-3000:])
    eventually(lambda: _shadow_role(settings) == "none", "the shadow goes on")
    assert [state for _, state, _ in retrains.models(settings)] == ["former", "champion"]
    assert value(settings, "SELECT metrics->'gate'->'shadow'->>'path' FROM jobs WHERE id = $1", job["id"]) == "shadow"


def test_a_shadow_that_is_worse_is_rejected(settings: Settings, retrain: WorkerProcess) -> None:
    job = _shadowed(settings)
    _review_disagreements(settings, 3, champion_is_right=True)
    eventually(lambda: retrains.state_of(settings, job["id"]) == "rejected", lambda: retrain.log[-3000:])
    eventually(lambda: _shadow_role(settings) == "none", "the shadow goes on")
    assert [state for _, state, _ in retrains.models(settings)] == ["champion", "rejected"]


def test_a_shadow_ends_when_its_champion_does(settings: Settings, retrain: WorkerProcess) -> None:
    """It was compared with another one."""
    assert _promoted_by_evidence(settings)["state"] == "promoted"
    features, truth = reviewed.records(20, seed=8)
    offsets, _, _ = reviewed.predict(settings, features, reviewed.model_of(settings, 2), activation=2)
    reviewed.review(settings, offsets[:2], truth[:2])
    job = _train(settings)
    assert job["state"] == "shadow", job["metrics"]["gate"]
    retrains.ended(settings, retrains.send(settings, "activate", 1))
    eventually(lambda: retrains.state_of(settings, job["id"]) == "superseded", lambda: retrain.log[-3000:])
    assert "isn't the champion now" in value(settings, "SELECT error FROM jobs WHERE id = $1", job["id"])
    eventually(lambda: _shadow_role(settings) == "none", "the shadow goes on")


def test_a_shadow_blocks_no_training(settings: Settings, retrain: WorkerProcess) -> None:
    """The next challenger, trained on more, takes its place: as the shadow, or as the champion."""
    first = _shadowed(settings)
    features, truth = reviewed.records(4, seed=5)
    offsets, _, _ = reviewed.predict(settings, features, reviewed.model_of(settings, 1))
    reviewed.review(settings, offsets, truth)
    second = _train(settings)
    assert (second["state"], second["version"], second["cut"]) == ("shadow", 3, 7), second["metrics"]["gate"]
    assert value(settings, "SELECT error FROM jobs WHERE id = $1", first["id"]) == (
        "model 3, trained later, is the shadow"
    )
    assert [state for _, state, _ in retrains.models(settings)] == ["champion", "rejected", "shadow"]
    third = _promoted_by_evidence(settings)
    assert (third["state"], third["version"]) == ("promoted", 4), third["metrics"]["gate"]
    assert [retrains.state_of(settings, job["id"]) for job in (first, second)] == ["superseded", "superseded"]
    eventually(lambda: _shadow_role(settings) == "none", "the shadow goes on")
    assert [state for _, state, _ in retrains.models(settings)] == ["former", "rejected", "rejected", "champion"]
    assert value(settings, "SELECT array_agg(version) FROM models WHERE folds IS NOT NULL") == [1, 4]


def test_a_shadow_outlives_its_worker(settings: Settings, retrain: WorkerProcess) -> None:
    job = _shadowed(settings)
    retrain.kill()
    retrain.start()
    _review_disagreements(settings, 8, champion_is_right=False)
    eventually(lambda: retrains.state_of(settings, job["id"]) == "promoted", lambda: retrain.log[-3000:])
    assert len(retrains.models(settings)) == 2


def _review_disagreements(settings: Settings, count: int, *, champion_is_right: bool) -> None:
    """New records on which champion and shadow differ, reviewed."""
    features, _ = reviewed.records(400, seed=9)
    first, second = reviewed.model_of(settings, 1), reviewed.model_of(settings, 2)
    offsets, answers, beside = reviewed.predict(settings, features, first, shadow=second)
    differ = [i for i in range(400) if answers[i] != beside[i]][:count]
    assert len(differ) == count
    labels = [answers[i] if champion_is_right else beside[i] for i in differ]
    reviewed.review(settings, [offsets[i] for i in differ], labels, via="disagree")


def test_on_hold_nothing_is_promoted_that_nobody_activated(settings: Settings, retrain: WorkerProcess) -> None:
    retrains.ended(settings, retrains.send(settings, "hold"))
    job = _promoted_by_evidence(settings)
    assert job["state"] == "rejected"
    assert "on hold" in job["error"]
    assert retrains.ended(settings, retrains.send(settings, "activate", 2, force=True))["state"] == "promoted"


def test_a_champion_that_audits_show_to_be_worse_is_rolled_back(settings: Settings, retrain: WorkerProcess) -> None:
    """Reviewers say what the former one would have said: eight times is enough, and no sooner."""
    assert _promoted_by_evidence(settings)["version"] == 2
    features, _ = reviewed.records(400, seed=9)
    first, second = reviewed.model_of(settings, 1), reviewed.model_of(settings, 2)
    offsets, answers, _ = reviewed.predict(settings, features, second, activation=2)
    former = reviewed.predict(settings, features, first, activation=1)[1]
    differ = [i for i in range(400) if answers[i] != former[i]][:8]
    for i in differ:
        assert reviewed.job_of(settings, "evidence") is None
        reviewed.review(settings, [offsets[i]], [former[i]])
    eventually(lambda: reviewed.job_of(settings, "evidence") is not None, lambda: retrain.log[-3000:])
    job = reviewed.job_of(settings, "evidence")
    assert job is not None
    assert (job["command"], job["state"], job["version"], job["reason"]["broken"]) == ("rollback", "promoted", 1, 8)
    assert [state for _, state, _ in retrains.models(settings)] == ["champion", "rolled-back"]
    assert value(settings, "SELECT count(*) FROM activations WHERE role = 'champion'") == 3


def test_a_training_that_the_policy_asked_for_on_old_facts_is_skipped(
    settings: Settings, retrain: WorkerProcess
) -> None:
    """Two evaluators, a replay, a command that came late: the same facts never make two jobs."""
    _promoted_by_evidence(settings)

    def ask(**facts: Any) -> dict[str, Any]:
        command = Command(reviewed.a_job_id(), "train", {"trigger": "count", **facts})
        retrains.put(settings, "commands", encode_command(command))
        return retrains.ended(settings, command.id)

    assert "2 is live" in ask(activation=1, cut=500)["error"]
    assert "corrections up to 120" in ask(activation=2, cut=120)["error"]
    features, truth = reviewed.records(5, seed=3)
    offsets, _, _ = reviewed.predict(settings, features, reviewed.model_of(settings, 2), activation=2)
    reviewed.review(settings, offsets, truth)
    assert ask(activation=2, cut=125)["state"] != "skipped"


def test_a_trusted_key_is_learned_from_whole_and_nobody_else_of_its_name(settings: Settings) -> None:
    """Trusted by the command, limited and named by the worker: the same name without that key gains nothing."""
    limited = settings.model_copy(update={"reviewer_labels": 10})
    made = relearn(settings, "key", "create", "--role", "review", "--name", "feed")
    proof = read_key(made.stdout.strip())
    assert proof is not None
    assert relearn(settings, "reviewer", "trust", "feed").returncode == 0
    with workers(limited, retrain=1) as running:
        retrains.load(settings, 14)
        worker = running["retrain-1"]
        retrains.ended(settings, retrains.send(settings, "train"), lambda: worker.log[-3000:])
        features, truth = reviewed.records(90)
        offsets, _, _ = reviewed.predict(settings, features, reviewed.model_of(settings, 1))
        for first, key in ((0, proof.id), (30, None), (60, "0123456789ab")):
            reviewed.review(settings, offsets[first : first + 30], truth[first : first + 30], by="feed", key=key)
        trained_on = _train(settings)["metrics"]["trained_on"]
    assert (trained_on["reviewed"], trained_on["waiting_for_later_jobs"]) == (50, 40)
    assert trained_on["limited"] == [
        {"reviewer": "feed", "key": "0123456789ab", "reviews": 20},
        {"reviewer": "feed", "key": None, "reviews": 20},
    ]
    by_key = query(
        settings,
        "SELECT principal, count(*) AS n FROM corrections c JOIN models m ON c.id = ANY (m.correction_ids)"
        " WHERE m.version = 2 GROUP BY principal",
    )
    assert {row["principal"]: row["n"] for row in by_key} == {proof.id: 30, None: 10, "0123456789ab": 10}


def test_a_training_that_found_nothing_new_is_over_for_the_policy_too(
    settings: Settings, retrain: WorkerProcess
) -> None:
    """Else the policy would send the command again at once, with every later cut."""
    assert _promoted_by_evidence(settings)["state"] == "promoted"
    again = _train(settings)
    assert (again["state"], "nothing new" in again["error"]) == ("skipped", True)
    assert again["cut"] == 120
    refused = retrains.ended(settings, retrains.send(settings, "resume"))
    assert (refused["state"], refused["cut"]) == ("skipped", None)


def test_a_class_that_vanished_rejects(settings: Settings, retrain: WorkerProcess) -> None:
    """Every `yes` was taken back to `no`: a model without `yes` can't replace one that has it."""
    retrains.load(settings, 14, prefix="third")
    query(
        settings,
        "INSERT INTO examples (key, subject, features, label, source)"
        " SELECT key, subject, features, CASE label WHEN 'yes' THEN 'maybe' ELSE label END, 'relabelled'"
        " FROM examples",
    )
    job = _train(settings)
    assert job["state"] == "rejected"
    assert "yes" in job["error"]
    assert job["metrics"]["gate"]["path"] == "vanished", json.dumps(job["metrics"]["gate"])
