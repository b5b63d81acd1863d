"""What the loop is doing: one state, one sentence with the numbers that decide, since when, and what is wrong."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.learning.loop_state import LoopState, OpenShadow, OpenTraining, OpenWork, loop_state
from relearn.agents.learning.policy import Facts, Limits, corrections_needed, decide, statements_counted
from relearn.agents.learning.significance import Tally
from tests.support.data.facts import LIMITS, NOW, QUIET, corrected, some_facts, some_limits

#: Corrections and labels alone start trainings.
PLAIN = replace(LIMITS, rate=None, every_s=None)
CHANGED_S, HELD_S, BEGAN_S = NOW - 600, NOW - 300, NOW - 20
NOTHING_OPEN = OpenWork(None, None, None, CHANGED_S)
SHADOW = OpenShadow(5, "job-s", 3, Tally(4, 1, 12), 40.0, NOW - 40)
HELD = "held by ann at 2026-01-31 12:00:00 UTC"


def told(facts: Facts, work: OpenWork = NOTHING_OPEN, *, limits: Limits = PLAIN, labels: int = 30) -> LoopState:
    return loop_state(facts, limits, work, shadow_labels=labels, now_s=NOW)[0]


def training(reason: dict[str, Any], *, running: bool = True, by: str | None = None) -> tuple[Facts, OpenWork]:
    opened = OpenTraining("job-t", running, reason, by, BEGAN_S)
    return replace(QUIET, open_job="job-t"), replace(NOTHING_OPEN, training=opened)


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (corrected(7), "7 of 20 corrections until the next training"),
        (corrected(1), "1 of 20 corrections until the next training"),
        (replace(corrected(3), labels=40), "40 of 100 labels until the next training"),
        (
            replace(corrected(7), rejections=1),
            "7 of 40 corrections until the next training, 40 rather than 20 after 1 rejection",
        ),
        (
            replace(corrected(99, first_s=NOW), rejections=5, labels=90),
            "90 of 100 labels until the next training",
        ),
        (
            replace(corrected(70), rejections=5),
            "70 of 100 labels until the next training",
        ),
        (corrected(30, first_s=NOW), "a training follows because of 30 of 20 corrections, once quiet for 1 s"),
    ],
)
def test_what_it_waits_for_is_the_trigger_of_which_most_is_there(facts: Facts, sentence: str) -> None:
    assert told(facts) == LoopState("waiting", sentence, CHANGED_S, ())


def test_rejections_in_a_row_are_named_where_they_raise_the_number() -> None:
    found = told(replace(corrected(70), rejections=5), limits=replace(PLAIN, labels=1000))
    assert found.sentence == (
        "70 of 160 corrections until the next training, 160 rather than 20 after 5 rejections in a row"
    )


def test_one_is_one() -> None:
    """Of a single correction, label, rejection and feature the text has the singular."""
    one = replace(PLAIN, corrections=1, labels=1)
    assert told(QUIET, limits=one).sentence == "0 of 1 correction until the next training"
    shadow = SHADOW._replace(tally=Tally(0, 0, 0))
    assert told(QUIET, replace(NOTHING_OPEN, shadow=shadow), labels=1).sentence.startswith(
        "model 5 answers as a shadow, 0 of 1 label; "
    )
    assert told(replace(corrected(1), on_hold=HELD), replace(NOTHING_OPEN, hold_s=HELD_S)).sentence == (
        f"on hold: {HELD}; 1 new correction waits, and nothing is trained or promoted by itself until it is resumed"
    )
    assert told(*training({"trigger": "drift", "drifted_count": 1})).sentence.endswith("because of drift in 1 feature")


def test_a_schedule_is_named_once_time_alone_is_left() -> None:
    scheduled = replace(PLAIN, every_s=3600.0)
    facts = replace(corrected(7), labels=10)
    assert told(facts, limits=scheduled).sentence == (
        "7 of 20 corrections until the next training, or 3000 s until the scheduled one"
    )
    assert told(corrected(7), limits=scheduled).sentence == "7 of 20 corrections until the next training"


@pytest.mark.parametrize(
    ("reason", "by", "why"),
    [
        ({"trigger": "count", "corrections": 20}, None, "20 corrections"),
        ({"trigger": "count", "corrections": 1}, None, "1 correction"),
        ({"trigger": "labels", "labels": 1200}, None, "1,200 labels"),
        ({"trigger": "rate", "audit_corrected": 11, "audit_rows": 50}, None, "11 of 50 audits corrected"),
        ({"trigger": "drift", "drifted_count": 2}, None, "drift in 2 features"),
        ({"trigger": "schedule"}, None, "the schedule"),
        ({"trigger": "manual"}, "ann", "a command by ann"),
        ({"trigger": "count", "corrections": "many"}, None, "a command"),
        ({}, "x" * 300, f"a command by {'x' * 60}"),
    ],
)
def test_a_training_is_told_with_its_reason(reason: dict[str, Any], by: str | None, why: str) -> None:
    """A reason is as its sender wrote it."""
    assert told(*training(reason, by=by)) == LoopState("training", f"a training runs because of {why}", BEGAN_S, ())
    assert told(*training(reason, running=False, by=by)).sentence == (
        f"a training is queued because of {why}, no retrain worker has begun it"
    )


def test_an_import_takes_the_place_of_a_training() -> None:
    found = told(*training({"trigger": "import"}, by="ann"))
    assert (found.name, found.sentence) == ("training", "an import runs because of a command by ann")


def test_without_a_champion_there_is_nothing_to_correct() -> None:
    """Since the namespace was made, as far as that is known."""
    sentence = "no champion yet: the first model is trained from labelled data"
    nobody = replace(QUIET, champion=None, activation=None)
    assert told(nobody) == LoopState("no-champion", sentence, CHANGED_S, ())
    assert told(nobody, replace(NOTHING_OPEN, changed_s=None)).since_s is None


def test_a_hold_is_told_since_it_began() -> None:
    found = told(replace(corrected(25), on_hold=HELD), replace(NOTHING_OPEN, hold_s=HELD_S))
    rest = "25 new corrections wait, and nothing is trained or promoted by itself until it is resumed"
    assert found == LoopState("on-hold", f"on hold: {HELD}; {rest}", HELD_S, ())


def test_after_a_rollback_new_corrections_are_waited_for() -> None:
    found = told(replace(corrected(3), rolled_back=True))
    sentence = "after an automatic rollback: 3 of 20 new corrections until the next training"
    assert found == LoopState("after-rollback", sentence, CHANGED_S, ())
    assert told(replace(corrected(20), rolled_back=True)).name == "training-due"


def test_the_cooldown_is_a_state_where_it_alone_is_in_the_way() -> None:
    facts = replace(corrected(20), last_ended_s=NOW - 20)
    sentence = "a training follows because of 20 of 20 corrections: cooldown 40 s left"
    assert told(facts) == LoopState("cooldown", sentence, CHANGED_S, ())
    assert told(replace(corrected(19), last_ended_s=NOW - 20)).name == "waiting"


@pytest.mark.parametrize(
    ("facts", "limits", "progress", "since_s"),
    [
        (corrected(20), PLAIN, "20 of 20 corrections", NOW - 99),
        # Each second one more: after five of them they aren't waited for any longer.
        (corrected(60, first_s=NOW - 59, apart_s=1.0), PLAIN, "60 of 20 corrections", NOW - 35),
        # The cooldown ended later.
        (replace(corrected(20), last_ended_s=NOW - 80), PLAIN, "20 of 20 corrections", NOW - 20),
        (
            replace(QUIET, labels=101, labels_s=(*[NOW - 70] * 99, NOW - 9, NOW - 5)),
            PLAIN,
            "101 of 100 labels",
            NOW - 9,
        ),
        (
            replace(QUIET, labels=10, labels_s=(NOW - 7,) * 10, last_ended_s=NOW - 3600),
            LIMITS,
            "3600 s since the last training",
            NOW,
        ),
        (replace(QUIET, labels=10, labels_s=(NOW - 7,) * 10, drifted=("x1",)), PLAIN, "drift in x1", None),
        (replace(QUIET, labels=1, audit_rows=50, audit_corrected=11), LIMITS, "11 of 50 audits corrected", None),
    ],
)
def test_a_training_is_due_since_nothing_is_left_to_wait_for(
    facts: Facts, limits: Limits, progress: str, since_s: float | None
) -> None:
    """No row has the moments at which audits or drift became enough."""
    found = told(facts, limits=limits)
    assert found == LoopState("training-due", f"a training is due because of {progress}", since_s, ())


def test_a_training_is_due_since_the_hold_ended() -> None:
    assert told(corrected(20), replace(NOTHING_OPEN, changed_s=NOW - 5)).since_s == NOW - 5


def test_a_shadow_and_what_the_next_training_waits_for_are_one_sentence() -> None:
    found = told(corrected(7), replace(NOTHING_OPEN, shadow=SHADOW))
    sentence = "model 5 answers as a shadow, 12 of 30 labels; 7 of 20 corrections until the next training"
    assert found == LoopState("shadow", sentence, SHADOW.since_s, ())


def test_beside_everything_else_a_shadow_is_told_last() -> None:
    """The other state is the one that matters."""
    facts, work = training({"trigger": "count", "corrections": 20})
    beside = told(facts, replace(work, shadow=SHADOW))
    sentence = "a training runs because of 20 corrections; model 5 answers as a shadow, 12 of 30 labels"
    assert beside == LoopState("training", sentence, BEGAN_S, ())
    held = told(replace(QUIET, on_hold=HELD), OpenWork(None, SHADOW, HELD_S, CHANGED_S))
    assert (held.name, held.since_s) == ("on-hold", HELD_S)
    assert held.sentence.endswith("; model 5 answers as a shadow, 12 of 30 labels")


@pytest.mark.parametrize("rejections", [0, 1, 3, 9])
def test_more_than_three_times_the_needed_corrections_are_an_alert(rejections: int) -> None:
    """Since the first that is too much. The needed number is doubled by rejections, 160 at most."""
    limits = replace(PLAIN, labels=10_000)
    needed = corrections_needed(replace(QUIET, rejections=rejections), limits)
    assert needed <= 160
    facts = replace(corrected(3 * needed, first_s=NOW - 2000, apart_s=1.0), rejections=rejections)
    assert told(facts, limits=limits).alerts == ()
    more = replace(corrected(3 * needed + 2, first_s=NOW - 2000, apart_s=1.0), rejections=rejections)
    (alert,) = told(more, limits=limits).alerts
    assert (alert.code, alert.since_s) == ("unlearned", NOW - 2000 + 3 * needed)
    words = f"{3 * needed + 2} corrections are known to no training, more than 3 times {needed}: "
    assert alert.detail == words + "start a retrain worker if none is ready, else look at its log"


def test_labels_without_corrections_are_an_alert_above_three_times_their_own_threshold() -> None:
    assert told(replace(QUIET, labels=300, labels_s=(NOW - 9,) * 300)).alerts == ()
    (alert,) = told(replace(QUIET, labels=301, labels_s=(NOW - 9,) * 300 + (NOW - 2,))).alerts
    assert alert.detail.startswith("301 labels are known to no training, more than 3 times 100: ")
    assert alert.since_s == NOW - 2


def test_labels_that_wait_because_of_the_limit_of_a_reviewer_are_an_alert_of_their_own() -> None:
    assert told(QUIET, replace(NOTHING_OPEN, waiting=300)).alerts == ()
    (alert,) = told(QUIET, replace(NOTHING_OPEN, waiting=74_700)).alerts
    assert (alert.code, alert.since_s) == ("limited", None)
    assert alert.detail.startswith("74,700 labels above RELEARN_REVIEWER_LABELS wait for later trainings, more than 3")
    assert [one.code for one in told(corrected(70), replace(NOTHING_OPEN, waiting=301)).alerts] == [
        "unlearned",
        "limited",
    ]


def test_reviews_none_of_which_is_evidence_are_an_alert_of_their_own() -> None:
    assert told(QUIET, replace(NOTHING_OPEN, unjudged=300)).alerts == ()
    (alert,) = told(QUIET, replace(NOTHING_OPEN, unjudged=1_301)).alerts
    assert (alert.code, alert.since_s) == ("no-evidence", None)
    assert alert.detail.startswith("none of 1,301 reviews is evidence between models, since all are volunteered, and")
    assert alert.detail.endswith('send `"via": "batch"`')


def test_beyond_what_is_counted_the_number_is_a_lower_bound() -> None:
    """Also where all these statements are about a few records, which reach no threshold."""
    (alert,) = told(replace(corrected(9_000), more=True)).alerts
    assert alert.detail.startswith("more than 9,000 corrections are known to no training")
    (alert,) = told(replace(corrected(3), more=True)).alerts
    assert alert.detail.startswith("more than 10,000 statements are known to no training: a training by hand")
    assert alert.since_s == NOW - 100


@pytest.mark.parametrize(
    ("facts", "remedy"),
    [
        (replace(corrected(70), on_hold=HELD), "`relearn model resume` ends the hold"),
        (replace(corrected(70), last_ended_s=NOW - 1), "the training after the cooldown ends this"),
        (replace(QUIET, rolled_back=True, labels=400, labels_s=(NOW,) * 400), "a training by hand"),
        (replace(corrected(70), champion=None), "train a first model: `relearn model train"),
    ],
)
def test_an_alert_names_the_remedy(facts: Facts, remedy: str) -> None:
    (alert,) = told(facts).alerts
    assert alert.detail.partition(": ")[2].startswith(remedy)


def test_an_open_training_is_expected_to_end_an_alert() -> None:
    _, work = training({"trigger": "manual"})
    (alert,) = told(replace(corrected(70), open_job="job-t"), work).alerts
    assert "the open training ends this unless it fails" in alert.detail


@st.composite
def some_work(draw: st.DrawFn, facts: Facts) -> OpenWork:
    opened = OpenTraining("job-1", draw(st.booleans()), {"trigger": "count", "corrections": 20}, None, NOW - 3)
    shadow = SHADOW._replace(tally=Tally(0, 0, draw(st.integers(0, 40))))
    return OpenWork(
        None if facts.open_job is None else opened,
        draw(st.none() | st.just(shadow)),
        None if facts.on_hold is None else HELD_S,
        draw(st.none() | st.just(CHANGED_S)),
        draw(st.integers(0, 400)),
    )


@given(st.data(), some_facts(), some_limits)
def test_exactly_one_state_holds_and_its_sentence_names_the_numbers_that_decide(
    data: st.DataObject, facts: Facts, limits: Limits
) -> None:
    work = data.draw(some_work(facts))
    state, decision = loop_state(facts, limits, work, shadow_labels=30, now_s=NOW)
    assert decision == decide(facts, limits, NOW)
    met = any(one.met for one in decision.triggers)
    waits_after_rollback = facts.rolled_back and facts.corrections < limits.corrections
    stopped = facts.open_job or facts.champion is None or facts.on_hold or waits_after_rollback
    cooling = any(one.startswith("cooldown") for one in decision.obstacles)
    holds = {
        "training": facts.open_job is not None,
        "no-champion": facts.open_job is None and facts.champion is None,
        "on-hold": facts.open_job is None and facts.champion is not None and facts.on_hold is not None,
        "after-rollback": not (facts.open_job or facts.champion is None or facts.on_hold) and waits_after_rollback,
        "cooldown": not stopped and met and cooling,
        "training-due": decision.trigger is not None,
        "shadow": not stopped and not met and work.shadow is not None,
        "waiting": not stopped and not met and work.shadow is None,
    }
    assert [name for name, it in holds.items() if it] == [state.name]
    assert "\n" not in state.sentence
    assert not re.search(r"\b1 \w+s\b", state.sentence.replace("1 s", ""))
    if work.shadow is not None:
        assert f"model 5 answers as a shadow, {work.shadow.tally.rows} of 30 labels" in state.sentence
    decides = {
        "training": "20 corrections",
        "on-hold": f"{facts.corrections} new correction",
        "after-rollback": f"{facts.corrections} of {limits.corrections} new correction",
    }
    assert decides.get(state.name, "") in state.sentence
    if state.name in {"waiting", "shadow"}:
        corrections = f"{facts.corrections} of {corrections_needed(facts, limits)} correction"
        labels = f"{facts.labels} of {limits.labels} label"
        assert (corrections in state.sentence) != (labels in state.sentence)
    if state.name in {"cooldown", "training-due"}:
        assert next(one.progress for one in decision.triggers if one.met) in state.sentence
    if state.name not in {"training-due"}:
        assert (state.since_s is None) == (
            work.changed_s is None and state.name not in {"training", "on-hold", "shadow"}
        )


@given(st.data(), some_facts(), some_limits)
def test_an_alert_is_there_exactly_if_too_much_is_known_to_no_training(
    data: st.DataObject, facts: Facts, limits: Limits
) -> None:
    work = data.draw(some_work(facts))
    state, _ = loop_state(facts, limits, work, shadow_labels=30, now_s=NOW)
    corrections = facts.corrections > 3 * corrections_needed(facts, limits)
    unlearned = corrections or facts.labels > 3 * limits.labels or facts.more
    limited = work.waiting > 3 * limits.labels
    assert [one.code for one in state.alerts] == ["unlearned"] * unlearned + ["limited"] * limited
    assert all(one.detail.startswith("more than ") == facts.more for one in state.alerts[:unlearned])


@given(some_limits)
def test_what_is_counted_is_enough_for_every_number_that_decides(limits: Limits) -> None:
    most = corrections_needed(replace(QUIET, rejections=100), limits)
    assert statements_counted(limits) > 3 * max(most, limits.labels)
    assert statements_counted(replace(limits, labels=50_000)) > 150_000
