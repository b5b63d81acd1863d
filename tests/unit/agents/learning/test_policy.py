"""The retrain policy: what starts a training, what prevents it, and the reasons it gives."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.learning.policy import (
    AHEAD_S,
    Decision,
    Facts,
    Limits,
    Trigger,
    command_id,
    corrections_needed,
    decide,
)
from relearn.schemas.settings import Settings
from tests.support.data.facts import LIMITS, NOW, QUIET, corrected, some_facts, some_limits

COUNT, LABELS = corrected(20), replace(QUIET, labels=100)
RATE = replace(QUIET, labels=1, audit_rows=50, audit_corrected=11)
DRIFT = replace(QUIET, labels=10, drifted=("x1", "margin"))
SCHEDULE = replace(QUIET, labels=10, last_ended_s=NOW - 3600)


def _trigger_of(decision: Decision, name: str) -> Trigger:
    return next(one for one in decision.triggers if one.name == name)


@pytest.mark.parametrize(
    ("facts", "trigger", "words"),
    [
        (COUNT, "count", "20 of 20 corrections"),
        (LABELS, "labels", "100 of 100 labels"),
        (RATE, "rate", "11 of 50 audits corrected"),
        (DRIFT, "drift", "drift in x1, margin"),
        (SCHEDULE, "schedule", "3600 s since the last training"),
    ],
)
def test_each_trigger_sets_off_a_training(facts: Facts, trigger: str, words: str) -> None:
    decision = decide(facts, LIMITS, NOW)
    assert (decision.trigger, decision.words, decision.wake_s) == (trigger, words, None)
    assert decision.reason["trigger"] == trigger


@pytest.mark.parametrize(
    ("facts", "waiting", "waits_for"),
    [
        (corrected(19), "count", "1 more correction"),
        (replace(LABELS, labels=98), "labels", "2 more labels"),
        (replace(RATE, audit_rows=49), "rate", "1 more audit"),
        (replace(RATE, audit_corrected=10), "rate", "more than 20.0% of audits corrected"),
        (replace(RATE, labels=0), "rate", "1 more label"),
        (replace(DRIFT, labels=9), "drift", "1 more label"),
        (replace(DRIFT, drifted=()), "drift", "drift"),
        (replace(SCHEDULE, labels=9), "schedule", "1 more label"),
        (replace(SCHEDULE, last_ended_s=NOW - 3590), "schedule", "10 s"),
    ],
)
def test_one_less_of_anything_does_not(facts: Facts, waiting: str, waits_for: str) -> None:
    decision = decide(facts, LIMITS, NOW)
    assert decision.trigger is None
    assert waits_for == _trigger_of(decision, waiting).waits_for


@pytest.mark.parametrize(
    ("facts", "name", "value"), [(RATE, "rate", 0.22), (DRIFT, "drift", 2), (SCHEDULE, "schedule", 3600.0)]
)
def test_a_trigger_that_is_off_never_fires_but_is_listed(facts: Facts, name: str, value: float) -> None:
    decision = decide(facts, replace(LIMITS, rate=None, drift=False, every_s=None), NOW)
    assert decision.trigger is None
    assert [one.name for one in decision.triggers] == ["count", "labels", "rate", "drift", "schedule"]
    assert [(one.threshold, one.waits_for, one.wait_s) for one in decision.triggers[2:]] == [(None, "off", None)] * 3
    assert _trigger_of(decision, name).value == value


def test_the_first_of_several_is_named() -> None:
    facts = replace(SCHEDULE, labels=100, drifted=("x",), audit_rows=50, audit_corrected=50)
    assert decide(facts, LIMITS, NOW).trigger == "labels"
    assert decide(facts, replace(LIMITS, labels=101), NOW).trigger == "rate"
    assert decide(facts, replace(LIMITS, labels=101, rate=None), NOW).trigger == "drift"
    assert decide(corrected(20, facts=facts), LIMITS, NOW).trigger == "count"


def test_one_line_gives_the_progress() -> None:
    facts = replace(corrected(12), last_ended_s=NOW - 20)
    assert decide(facts, LIMITS, NOW).words == "12 of 20 corrections; cooldown 40 s left"


def test_a_burst_of_corrections_settles_first() -> None:
    facts = corrected(30, first_s=NOW)
    decision = decide(facts, LIMITS, NOW)
    assert (decision.trigger, decision.wake_s) == (None, 1.0)
    assert decision.words == "30 of 20 corrections, once quiet for 1 s"
    assert decide(facts, LIMITS, NOW + 0.9).trigger is None
    assert decide(facts, LIMITS, NOW + 1).trigger == "count"


def test_corrections_that_never_stop_are_not_waited_for_longer_than_five_times_that() -> None:
    """It counts from the moment when the threshold was reached."""
    facts = corrected(69, first_s=NOW, apart_s=0.1)
    reached_s, latest_s = NOW + 1.9, NOW + 6.8
    decision = decide(facts, LIMITS, latest_s)
    assert decision.trigger is None
    assert decision.wake_s == pytest.approx(0.1, abs=1e-5)
    assert decide(facts, LIMITS, reached_s + 5).trigger == "count"
    assert decide(replace(facts, corrections_s=()), LIMITS, reached_s + 5).trigger is None


@pytest.mark.parametrize(("rejections", "needed"), [(0, 20), (1, 40), (2, 80), (3, 160), (4, 160), (1000, 160)])
def test_rejections_in_a_row_double_what_is_needed(rejections: int, needed: int) -> None:
    facts, limits = replace(QUIET, rejections=rejections), replace(LIMITS, labels=1000)
    assert corrections_needed(facts, limits) == needed
    assert decide(corrected(needed - 1, facts=facts), limits, NOW).trigger is None
    assert decide(corrected(needed, facts=facts), limits, NOW).trigger == "count"


@pytest.mark.parametrize(
    ("change", "obstacle"),
    [
        ({"champion": None, "activation": None}, "no champion yet"),
        ({"open_job": "job-9"}, "a training is open: job-9"),
        ({"on_hold": "by ana since 12:00"}, "on hold: by ana since 12:00"),
        ({"last_ended_s": NOW - 20}, "cooldown 40 s left"),
        ({"rolled_back": True, "corrections": 19}, "after an automatic rollback: 19 of 20 new corrections"),
    ],
)
@pytest.mark.parametrize("facts", [COUNT, LABELS, RATE, DRIFT])
def test_an_obstacle_stops_every_trigger(facts: Facts, change: dict[str, object], obstacle: str) -> None:
    decision = decide(replace(facts, **change), LIMITS, NOW)  # type: ignore[arg-type]
    assert (decision.trigger, decision.obstacles) == (None, (obstacle,))
    assert decision.words.endswith(f"; {obstacle}")
    assert decision.wake_s == (40.0 if "cooldown" in obstacle else None)


def test_enough_corrections_end_what_a_rollback_began() -> None:
    assert decide(corrected(20, facts=replace(QUIET, rolled_back=True)), LIMITS, NOW).trigger == "count"


@given(some_facts(), some_limits)
def test_it_trains_when_a_trigger_is_met_and_there_is_no_obstacle(facts: Facts, limits: Limits) -> None:
    decision = decide(facts, limits, NOW)
    met = [one.name for one in decision.triggers if one.met]
    assert decision.trigger == (met[0] if met and not decision.obstacles else None)
    assert all(one.met == (one.wait_s == 0) == (not one.waits_for) for one in decision.triggers)


@given(some_facts(), some_limits)
def test_it_wakes_at_the_moment_when_time_alone_decides_and_not_before(facts: Facts, limits: Limits) -> None:
    wake_s = decide(facts, limits, NOW).wake_s
    if wake_s is None:
        later = (NOW + 1e3, NOW + 1e5, NOW + 1e7)
        assert decide(facts, limits, NOW).trigger or not any(decide(facts, limits, one).trigger for one in later)
        return
    assert wake_s > 0
    assert decide(facts, limits, NOW + wake_s).trigger is not None
    assert decide(facts, limits, NOW + wake_s - 0.002).trigger is None or wake_s < 0.002


@given(some_facts(st.none() | st.floats(-1e12, 1e12)), some_limits, st.floats(-1e12, 1e12))
def test_no_clock_makes_it_fail_or_wait_for_ever(facts: Facts, limits: Limits, now_s: float) -> None:
    decision = decide(facts, limits, now_s)
    longest_s = max(limits.every_s or 0, limits.cooldown_s, 5 * limits.settle_s) + AHEAD_S
    assert decision.wake_s is None or 0 < decision.wake_s <= longest_s
    assert all(one.wait_s is None or 0 <= one.wait_s <= longest_s for one in decision.triggers)
    assert all(one.value is None or one.value >= 0 for one in decision.triggers)


@pytest.mark.parametrize("back_s", [5.0, 59.0])
def test_clocks_that_differ_a_little_only_lengthen_the_wait(back_s: float) -> None:
    facts = replace(COUNT, last_ended_s=NOW)
    assert decide(facts, LIMITS, NOW - back_s).wake_s == LIMITS.cooldown_s + back_s


def test_a_clock_set_back_by_hours_holds_nothing_up() -> None:
    facts = replace(COUNT, last_ended_s=NOW, latest_s=NOW)
    assert decide(facts, LIMITS, NOW - 7200).trigger == "count"


def test_a_schedule_that_never_comes_gives_no_time_to_wake() -> None:
    decision = decide(SCHEDULE, replace(LIMITS, every_s=math.inf), NOW)
    assert (decision.trigger, decision.wake_s) == (None, None)


@given(some_facts(), some_limits)
def test_the_reason_is_plain_data_that_time_does_not_change(facts: Facts, limits: Limits) -> None:
    decision, later = decide(facts, limits, NOW), decide(facts, limits, NOW + 0.5)
    assert json.loads(json.dumps(decision.reason)) == decision.reason
    assert decision.reason.items() >= {"activation": facts.activation, "cut": facts.cut}.items()
    assert decision.trigger != later.trigger or decision.reason == later.reason


def test_the_reason_holds_the_numbers_that_decided() -> None:
    assert decide(COUNT, LIMITS, NOW).reason == {
        "trigger": "count",
        "champion": 3,
        "activation": 7,
        "cut": 40,
        "corrections": 20,
        "corrections_needed": 20,
        "labels": 20,
        "labels_needed": 100,
        "rejections": 0,
    }
    found = decide(RATE, LIMITS, NOW).reason
    assert (found["audit_corrected"], found["audit_rows"], found["rate"]) == (11, 50, 0.2)
    assert decide(DRIFT, LIMITS, NOW).reason["drifted"] == ["x1", "margin"]
    assert decide(SCHEDULE, LIMITS, NOW).reason["every_s"] == 3600.0


def test_the_same_facts_name_the_same_command() -> None:
    once = command_id("relearn", COUNT, "count")
    assert command_id("relearn", replace(COUNT, labels=99), "count") == once
    others = {
        command_id("other", COUNT, "count"),
        command_id("relearn", replace(COUNT, cut=41), "count"),
        command_id("relearn", replace(COUNT, activation=8), "count"),
        command_id("relearn", COUNT, "labels"),
        command_id("relearn", replace(COUNT, resumed=5), "count"),
    }
    assert len(others | {once}) == 6


def test_the_limits_are_those_of_the_settings() -> None:
    assert Limits.of(Settings()) == Limits(20, 100, None, True, None, 1.0, 10.0)
