"""`relearn bench policy`: the same seed comes to the same, and nothing is counted that didn't happen."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from relearn.agents.learning.policy import Limits, decide
from relearn.schemas.identity import Place
from relearn.schemas.settings import read_settings
from relearn.scripts.dev.bench.policy.bars import Bar, Figure, bars, summary
from relearn.scripts.dev.bench.policy.command import policy
from relearn.scripts.dev.bench.policy.drift_watch import DriftWatch
from relearn.scripts.dev.bench.policy.effort import Effort, effort, effort_bars
from relearn.scripts.dev.bench.policy.jobs import begin_training, end_training
from relearn.scripts.dev.bench.policy.learning_log import AtLabel, LearningLog
from relearn.scripts.dev.bench.policy.loop import Loop, run
from relearn.scripts.dev.bench.policy.outcome import Outcome, Step
from relearn.scripts.dev.bench.policy.pace import Pace
from relearn.scripts.dev.bench.policy.regret import Regret, regret
from relearn.scripts.dev.bench.policy.reviewers import BUDGET, KINDS, Answered, ReviewView, works_the_queue
from relearn.scripts.dev.bench.policy.streams import STREAMS, draw_stream
from tests.support.data.models import a_model
from tests.support.paths import ROOT

SETTINGS = read_settings({})


def _played(stream: str, kind: str, *, shorter: int) -> Loop:
    loop = Loop(draw_stream(stream, 1, shorter=shorter), kind, np.random.default_rng(1), SETTINGS)
    loop.play()
    return loop


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_said_and_done_adds_up(kind: str) -> None:
    """One label per record at most, of the model that answered it; numbers of activations rise; jobs end one by one."""
    memory = _played("breast_cancer_shift", kind, shorter=4).memory
    assert [one.id for one in memory.statements] == list(range(1, memory.cut + 1))
    assert {one.place for one in memory.statements} == memory.said
    assert len(memory.said) == memory.cut > 0
    for one in memory.statements:
        answered = memory.answered[one.place.offset]
        assert (one.predicted, one.model, one.activation) == (answered.predicted, answered.model, answered.activation)
    numbers = [one.number for one in memory.activations]
    assert numbers == sorted(set(numbers))
    states = [job.state for job in memory.jobs]
    assert states[0] == "promoted"
    assert states.count("promoted") == len(memory.activations)
    assert [job.at_s for job in memory.jobs] == sorted(job.at_s for job in memory.jobs)
    judged = sum(states.count(state) for state in ("promoted", "rejected", "superseded"))
    assert judged + (memory.shadow is not None) == len(memory.models)


def test_while_a_training_runs_labels_come_that_it_does_not_know() -> None:
    """They wait for the next one: the longer a training takes, the more of them."""
    drawn = draw_stream("two_class", 1, shorter=4)
    at_once, slow = (
        run("two_class", "all", 1, SETTINGS, Pace(records_per_s=10, training_s=takes_s), shorter=4)
        for takes_s in (0.0, 20.0)
    )
    assert at_once.trainings > slow.trainings > 0
    assert at_once.unlearned < slow.unlearned < drawn.reviewed
    assert at_once.blocked < slow.blocked <= slow.unlearned
    assert at_once.of_needed <= slow.of_needed


def test_a_champion_that_changes_during_a_training_is_what_its_model_is_judged_by() -> None:
    loop = Loop(draw_stream("two_class", 1, shorter=8), "all", np.random.default_rng(1), SETTINGS)
    loop.play()
    memory, before = loop.memory, len(loop.memory.models)
    memory.training = None
    answered = next(one for one in memory.answered if one.place not in memory.said)
    memory.state(answered, "audit")
    begin_training(memory, SETTINGS, "job", takes_s=5.0)
    assert memory.training is not None
    other = next(version for version in memory.models if version != memory.champion.model.version)
    memory.activate(other)
    memory.now_s += 5.0
    end_training(memory, SETTINGS)
    assert len(memory.models) == before
    assert memory.training is not None
    memory.now_s += 5.0
    end_training(memory, SETTINGS)
    assert memory.training is None
    judged_by = memory.models[before + 1].against
    assert judged_by is not None
    assert judged_by.version == other


def test_labels_are_counted_from_the_newest_training_and_while_none_can_begin() -> None:
    memory = _played("wine", "all", shorter=4).memory
    facts = replace(memory.facts(), corrections=0, labels=0)
    log, limits = LearningLog(Limits.of(SETTINGS)), Limits.of(SETTINGS)
    memory.known = memory.cut - 7
    log.add(memory)
    assert (log.unlearned, log.labels) == (7, [AtLabel(memory.champion.model.version, len(memory.answered))])
    log.decided(replace(facts, open_job="job", cut=10), decide(replace(facts, open_job="job"), limits, 0.0))
    log.decided(replace(facts, open_job="job", cut=14), decide(replace(facts, open_job="job"), limits, 0.0))
    assert log.blocked == 4
    free = decide(replace(facts, last_ended_s=None), limits, 0.0)
    log.decided(replace(facts, cut=20), free)
    log.decided(replace(facts, open_job="job", cut=30), decide(replace(facts, open_job="job"), limits, 0.0))
    assert log.blocked == 4


def test_regret_is_what_the_labels_so_far_would_have_given() -> None:
    """None without labels; and as much as a model that never changes stays behind one that is trained on each."""
    drawn = draw_stream("two_class_shift", 0, shorter=4)
    loop = Loop(drawn, "all", np.random.default_rng(0), SETTINGS)
    nothing = LearningLog(Limits.of(SETTINGS))
    assert regret(loop.memory, nothing, drawn) == Regret(0.0, None)
    loop.play()
    learned, first = regret(loop.memory, loop.log, drawn), loop.memory.activations[0].version
    never = replace(loop.log, labels=[one._replace(champion=first) for one in loop.log.labels])
    stood_still = regret(loop.memory, never, drawn)
    assert 0.0 < learned.mean < stood_still.mean
    assert stood_still.needed == len(loop.log.labels)
    learned_at_once = replace(
        loop.log, labels=[one._replace(champion=max(loop.memory.models)) for one in loop.log.labels]
    )
    assert regret(loop.memory, learned_at_once, drawn).needed == 1


@pytest.mark.parametrize(("name", "subjects"), [("multi_class_300", 300), ("multi_class_2000", 2000)])
def test_subjects_return(name: str, subjects: int) -> None:
    """Their records differ; the first rows are others'."""
    stream = draw_stream(name, 0)
    records = stream.records
    labels = dict(zip(records.subjects, records.labels or (), strict=True))
    assert subjects / 2 < len(labels) <= subjects
    assert [labels[one] for one in records.subjects] == list(records.labels or ())
    assert not labels.keys() & set(stream.bootstrap.subjects)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_comes_to_the_same(kind: str) -> None:
    first = run("wine", kind, 3, SETTINGS, shorter=4)
    assert first == run("wine", kind, 3, SETTINGS, shorter=4)
    assert first != run("wine", kind, 4, SETTINGS, shorter=4)


def test_kinds_of_feedback_differ_in_what_they_label() -> None:
    labels = {kind: run("wine", kind, 0, SETTINGS, shorter=4).labels for kind in KINDS}
    assert labels["all"] == STREAMS["wine"].reviewed // 4
    assert labels["errors"] < labels["errors-flipped"] < labels["all"]
    assert labels["audit"] < labels["all"] / 3
    assert labels["queue"] < labels["all"] / 3


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_shifts_once_and_holds_records_back(name: str) -> None:
    """First rows, records and held-back records have nothing in common; the end is what is held back."""
    stream = draw_stream(name, 5, shorter=8)
    assert len(stream.records) > stream.reviewed
    rows = [row.tobytes() for part in (stream.bootstrap, stream.records, stream.held_back) for row in part.features]
    assert len(set(rows)) == len(rows)
    assert not set(stream.bootstrap.subjects) & set(stream.records.subjects)
    if stream.drift_at is None:
        assert stream.held_back_at(0) is stream.held_back
        return
    moved = abs(stream.held_back.features.mean(axis=0) - stream.held_back_early.features.mean(axis=0))
    spread = stream.held_back_early.features.std(axis=0)
    wider = stream.held_back.features.std(axis=0) / spread
    assert ((moved / spread > 0.5) | (wider > 2)).any()
    assert stream.held_back_at(stream.drift_at - 1) is stream.held_back_early
    assert stream.held_back_at(stream.drift_at) is stream.held_back


def test_a_flipping_reviewer_has_three_labels_in_ten_wrong() -> None:
    believed = KINDS["errors-flipped"].believed(["a"] * 5000, ["a", "b", "c"], np.random.default_rng(0))
    assert 0.27 < np.mean([label != "a" for label in believed]) < 0.33
    assert set(believed) == {"a", "b", "c"}
    assert KINDS["errors"].believed(["a"] * 50, ["a", "b"], np.random.default_rng(0)) == ["a"] * 50


def _answered(n: int, model: int = 1, shadow: tuple[int, str] | None = None) -> Answered:
    return Answered(Place(0, 0, n, 0), str(n), [0.0], "a", "a", n / 100, model, model, shadow)


def test_the_queue_asks_for_disagreements_then_for_the_least_certain_within_its_budget() -> None:
    """A shadow that has ended, or was compared with another champion, has no disagreement."""
    sure = [
        _answered(50, 1, (2, "b")),
        _answered(51, 1, (2, "a")),
        _answered(52, 1, (9, "b")),
        _answered(53, 8, (2, "b")),
    ]
    pool = [_answered(n) for n in range(50)] + sure
    said = works_the_queue(ReviewView(pool, pool, {"0", "2"}, 1, 2, 0.0, np.random.default_rng(0)))
    assert said[0] == (sure[0], "disagree")
    assert [via for _, via in said[1:]] == ["queue"] * (len(said) - 1)
    assert [one.place.offset for one, _ in said[1:5]] == [1, 3, 4, 5]
    assert 4 < len(said) < 2 * BUDGET * len(pool)


def test_windows_that_a_drift_falls_into_are_no_false_alarms() -> None:
    """Reference of 1,000, windows of 500; a drift inside or after the reference is one that the watch may see."""
    rng = np.random.default_rng(0)
    features = rng.standard_normal((5000, 2))
    features[2500:] += 3.0
    watch, model = DriftWatch(2500), a_model(d=2)
    parts = [(at, features[at : at + 50]) for at in range(0, 5000, 50)]
    found = [watch.take(1, model, part, part[:, :1], at=at, string_of={}) for at, part in parts]
    assert [names for names in found if names] == [("x1", "x2", "margin")] * 4
    assert (watch.windows, watch.alarms, watch.drift_windows, watch.drift_alarms) == (3, 0, 5, 4)


def _outcome(*steps: Step, start: float = 0.9, end: float = 0.9) -> Outcome:
    learned = {"unlearned": 40, "of_needed": 2.0, "blocked": 7, "regret": 0.02, "needed": 5}
    counts = {"labels": 10, "trainings": 5, "skipped": 0, "shadows": 2, "rejections": 1, "bad_challengers": 3}
    drift = {"windows": 4, "alarms": 0, "drift_windows": 0, "drift_alarms": 0}
    return Outcome("wine", "errors-flipped", 0, **counts, **learned, steps=steps, start=start, end=end, **drift)


def test_bad_is_more_than_a_point_below_the_one_before() -> None:
    """A rollback is no promotion, and false where the one that was sent back is no worse."""
    good, bad = Step(9, 2, False, 0.90, 0.895), Step(9, 2, False, 0.90, 0.88)
    right, wrong = Step(9, 1, True, 0.8, 0.9), Step(9, 1, True, 0.9, 0.9)
    counts = [
        (one.promotions, one.bad, one.rollbacks, one.false_rollbacks) for one in map(_outcome, (good, bad, right))
    ]
    assert counts == [(1, 0, 0, 0), (1, 1, 0, 0), (0, 0, 1, 0)]
    assert _outcome(wrong).false_rollbacks == 1
    assert (_outcome().promotions, _outcome().bad) == (0, 0)
    assert _outcome(end=0.88).worse
    assert not _outcome(end=0.895).worse


def test_bars_are_kept_up_to_their_limit() -> None:
    assert Bar("", 0, 0, 0.0).kept
    assert Bar("", 2, 100, 0.02).kept
    assert not Bar("", 3, 100, 0.02).kept
    bad = _outcome(Step(9, 2, False, 0.9, 0.5), end=0.5)
    found = {bar.name: bar.kept for bar in bars([bad, _outcome()])}
    assert found == {
        "bad promotions, errors-flipped": False,
        "runs that serve worse, errors-flipped": False,
        "false rollbacks of promoting runs, errors-flipped": True,
        "drift alarms of windows without drift": True,
        "labels that no training knows, of those that one waits for, errors-flipped": True,
        "regret, mean of the runs, errors-flipped": False,
    }
    assert Figure("", 3.0, 3.0).kept
    assert not Figure("", 3.01, 3.0).kept
    both = summary([_outcome(), replace(_outcome(), needed=None, unlearned=50, regret=0.0)])
    assert (both.needed, both.unlearned, both.regret) == (0.5, 50, 0.01)
    assert (summary([bad, _outcome()]).runs, summary([bad, _outcome()]).worse) == (2, 1)


def test_the_command_prints_every_run_and_bar() -> None:
    argv = ["--seeds", "1", "--streams", "wine", "--kinds", "errors", "--jobs", "1", "--training-s", "1", "--json"]
    result = CliRunner().invoke(policy, argv)
    printed = json.loads(result.stdout)
    assert [(one["stream"], one["kind"], one["seed"]) for one in printed["runs"]] == [("wine", "errors", 0)]
    assert {bar["name"].split(",")[0] for bar in printed["bars"] if not bar["kept"]} <= {"regret"}
    assert len(printed["bars"]) == 8
    assert result.exit_code == (not all(bar["kept"] for bar in printed["bars"])), result.output


def test_the_command_names_what_there_is_instead_of_what_there_isnt() -> None:
    result = CliRunner().invoke(policy, ["--streams", "digitts"])
    assert result.exit_code == 2
    assert "digits" in result.output


def test_the_benches_load_no_scikit_learn_before_this_one_runs() -> None:
    code = (
        "import sys, click; from relearn.scripts.dev.bench import bench; ctx = click.Context(bench)\n"
        "assert all(bench.get_command(ctx, name) for name in bench.list_commands(ctx))\n"
        "print('sklearn' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert found.stdout.strip() == "False"


def test_the_queue_needs_fewer_labels_than_chance() -> None:
    found = effort("wine", 0, 0.2, shorter=2)
    assert found == effort("wine", 0, 0.2, shorter=2)
    assert 0 < found.queue < found.random <= found.most == 120


def test_effort_is_judged_on_each_data_set_and_in_the_median() -> None:
    found = [Effort("a", 0, 10, 100, 200), Effort("b", 0, 60, 100, 200), Effort("c", 0, 30, 60, 200)]
    found += [Effort("c", 1, 40, 40, 200)]
    assert effort_bars([]) == []
    told = [(bar.found, bar.of, bar.kept) for bar in effort_bars(found)]
    assert told == [(10, 100, True), (60, 100, True), (70, 100, False), (60, 100, False)]
