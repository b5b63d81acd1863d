"""What the learning loop is doing and since when, in one sentence, and what is wrong with it. For people.

The API, `relearn status`, the page and the demo show these texts. All moments are seconds since 1970 and come from
Postgres: two processes give the same answer, and a restart changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from relearn.agents.learning.policy import (
    LEAST_LABELS,
    SETTLE_AT_MOST,
    Decision,
    Facts,
    Limits,
    Trigger,
    amount,
    corrections_needed,
    decide,
    some_of,
    statements_counted,
    waits_after_rollback,
)
from relearn.agents.learning.significance import Tally
from relearn.schemas.http.retraining import AlertCode, LoopStateName

#: It is an alert if no training has known more than this multiple of the corrections, or labels, that start one.
UNLEARNED_TIMES = 3
_BY_HAND = "a training by hand (`POST /v1/jobs`, or Train now on the page) learns from them"
#: What ends an alert, by the state.
_REMEDIES: Mapping[LoopStateName, str] = {
    "training": "the open training ends this unless it fails, see `relearn job list`",
    "no-champion": "train a first model: `relearn model train --data …`",
    "on-hold": "`relearn model resume` ends the hold",
    "after-rollback": _BY_HAND,
    "cooldown": "the training after the cooldown ends this",
    "training-due": "start a retrain worker if none is ready, else look at its log",
    "waiting": _BY_HAND,
}
#: Of the name of the user who asked for a training.
_MAX_CHARS = 60


class OpenTraining(NamedTuple):
    """The training that is queued or runs. `since_s`: when it was queued, or, once it runs, when it began."""

    job: str
    running: bool
    reason: Mapping[str, Any]
    by: str | None
    since_s: float


class OpenShadow(NamedTuple):
    """The shadow, its evidence so far, and when it began to answer beside `champion`."""

    version: int
    job: str
    champion: int
    tally: Tally
    elapsed_s: float
    since_s: float


@dataclass(frozen=True, slots=True)
class OpenWork:
    """What the policy's facts don't contain: the open jobs, and moments.

    `hold_s`: when the hold began; None: no hold. `changed_s`: the latest end of a job that had an effect, or of a
    training; before the first of them, when the namespace was made. None: not known. `waiting`: labels that the newest
    training left for later ones because one reviewer had too many; the facts don't count these. `unjudged`: the number
    of reviews that the newest training's model learned from, if none of them was evidence between models, else 0.
    """

    training: OpenTraining | None
    shadow: OpenShadow | None
    hold_s: float | None
    changed_s: float | None
    waiting: int = 0
    unjudged: int = 0


class Alert(NamedTuple):
    """What is wrong and what to do. `since_s`: since when, None where that isn't known."""

    code: AlertCode
    detail: str
    since_s: float | None


@dataclass(frozen=True, slots=True)
class LoopState:
    """What the loop is doing, in one word and in one sentence, and what is wrong.

    `since_s`: when the state began, of a shadow when it began to answer. None where no row has it.
    """

    name: LoopStateName
    sentence: str
    since_s: float | None
    alerts: tuple[Alert, ...]


def loop_state(
    facts: Facts, limits: Limits, work: OpenWork, *, shadow_labels: int, now_s: float
) -> tuple[LoopState, Decision]:
    """The state of the loop, and the policy's decision that it is made of. `work` and `facts` are of one snapshot."""
    decision = decide(facts, limits, now_s)
    name, sentence, since_s = _state(facts, limits, work, decision)
    alerts = (*_unlearned(facts, limits, name), *_limited(limits, work), *_no_evidence(limits, work))
    shadow = work.shadow
    if shadow is not None:
        beside = f"model {shadow.version} answers as a shadow, {some_of(shadow.tally.rows, shadow_labels, 'label')}"
        if name == "waiting":
            return LoopState("shadow", f"{beside}; {sentence}", shadow.since_s, alerts), decision
        sentence = f"{sentence}; {beside}"
    return LoopState(name, sentence, since_s, alerts), decision


def _state(facts: Facts, limits: Limits, work: OpenWork, decision: Decision) -> tuple[LoopStateName, str, float | None]:
    """Name, sentence and begin of the state, without the shadow beside it."""
    found = _stopped(facts, limits, work)
    if found is not None:
        return found
    met = next((one for one in decision.triggers if one.met), None)
    if met is None:
        return "waiting", _waiting(facts, limits, decision), work.changed_s
    if decision.obstacles:
        # Of all obstacles only the cooldown is left.
        return "cooldown", f"a training follows because of {met.progress}: {decision.obstacles[-1]}", work.changed_s
    return "training-due", f"a training is due because of {met.progress}", _due_s(facts, limits, work, met)


def _stopped(facts: Facts, limits: Limits, work: OpenWork) -> tuple[LoopStateName, str, float | None] | None:
    """The state in which no trigger starts a training; None: the triggers decide."""
    if work.training is not None:
        return "training", _training(work.training), work.training.since_s
    if facts.champion is None:
        return "no-champion", "no champion yet: the first model is trained from labelled data", work.changed_s
    if facts.on_hold is not None:
        new, waits = amount(facts.corrections, "new correction"), "waits" if facts.corrections == 1 else "wait"
        rest = f"{new} {waits}, and nothing is trained or promoted by itself until it is resumed"
        return "on-hold", f"on hold: {facts.on_hold}; {rest}", work.hold_s
    if waits_after_rollback(facts, limits):
        new = some_of(facts.corrections, limits.corrections, "new correction")
        return "after-rollback", f"after an automatic rollback: {new} until the next training", work.changed_s
    return None


def _training(training: OpenTraining) -> str:
    """Why it was asked for: its reason is as its sender wrote it."""
    reason, why = training.reason, "a command"
    if training.by:
        why += f" by {training.by[:_MAX_CHARS]}"
    match reason:
        case {"trigger": "count", "corrections": int(n)}:
            why = amount(n, "correction")
        case {"trigger": "labels", "labels": int(n)}:
            why = amount(n, "label")
        case {"trigger": "rate", "audit_corrected": int(n), "audit_rows": int(rows)}:
            why = f"{n:,} of {rows:,} audits corrected"
        case {"trigger": "drift", "drifted_count": int(n)}:
            why = f"drift in {amount(n, 'feature')}"
        case {"trigger": "schedule"}:
            why = "the schedule"
    what = "an import" if reason.get("trigger") == "import" else "a training"
    if training.running:
        return f"{what} runs because of {why}"
    return f"{what} is queued because of {why}, no retrain worker has begun it"


def _waiting(facts: Facts, limits: Limits, decision: Decision) -> str:
    """What comes first: the trigger of which most is there, of corrections and labels."""
    count, labels, *_, schedule = decision.triggers
    needed = corrections_needed(facts, limits)
    if facts.corrections >= needed:
        return f"a training follows because of {count.progress}"
    by_labels = facts.labels / limits.labels > facts.corrections / needed
    sentence = f"{(labels if by_labels else count).progress} until the next training"
    if not by_labels and needed != limits.corrections:
        in_a_row = " in a row" if facts.rejections > 1 else ""
        sentence += (
            f", {needed:,} rather than {limits.corrections:,} after {amount(facts.rejections, 'rejection')}{in_a_row}"
        )
    if schedule.wait_s is not None:
        sentence += f", or {schedule.waits_for} until the scheduled one"
    return sentence


def _due_s(facts: Facts, limits: Limits, work: OpenWork, met: Trigger) -> float | None:
    """When nothing was left to wait for; None for the triggers `rate` and `drift`, whose moment isn't stored."""
    match met.name:
        case "count":
            reached_s = _nth(facts.corrections_s, corrections_needed(facts, limits))
            if reached_s is not None and facts.latest_s is not None:
                reached_s = min(reached_s + SETTLE_AT_MOST * limits.settle_s, facts.latest_s + limits.settle_s)
        case "labels":
            reached_s = _nth(facts.labels_s, limits.labels)
        case "schedule":
            reached_s = _nth(facts.labels_s, LEAST_LABELS)
        case _:
            return None
    if reached_s is None:
        return None
    moments = [reached_s]
    if facts.last_ended_s is not None:
        scheduled_s = limits.every_s or 0.0 if met.name == "schedule" else 0.0
        moments.append(facts.last_ended_s + max(limits.cooldown_s, scheduled_s))
    return max([*moments, *([work.changed_s] if work.changed_s is not None else [])])


def _unlearned(facts: Facts, limits: Limits, name: LoopStateName) -> tuple[Alert, ...]:
    """The alert on what no training knows. Corrections count against N as it is now."""
    needed = corrections_needed(facts, limits)
    remedy = _REMEDIES[name]
    for found, number, thing, moments in (
        (facts.corrections, needed, "correction", facts.corrections_s),
        (facts.labels, limits.labels, "label", facts.labels_s),
    ):
        most = UNLEARNED_TIMES * number
        if found > most:
            there = ("more than " if facts.more else "") + amount(found, thing)
            detail = f"{there} are known to no training, more than {UNLEARNED_TIMES} times {number:,}: {remedy}"
            return (Alert("unlearned", detail, _nth(moments, most + 1)),)
    if facts.more:
        # Many statements about few records.
        detail = f"more than {statements_counted(limits):,} statements are known to no training: {remedy}"
        return (Alert("unlearned", detail, facts.latest_s),)
    return ()


def _limited(limits: Limits, work: OpenWork) -> tuple[Alert, ...]:
    """The alert on labels that wait for later trainings. No row has the moment at which they became too many."""
    if work.waiting <= UNLEARNED_TIMES * limits.labels:
        return ()
    remedy = "if their source is right, `relearn reviewer list` and `relearn reviewer trust NAME` lift the limit"
    there = f"{amount(work.waiting, 'label')} above RELEARN_REVIEWER_LABELS wait for later trainings"
    return (Alert("limited", f"{there}, more than {UNLEARNED_TIMES} times {limits.labels:,}: {remedy}", None),)


def _no_evidence(limits: Limits, work: OpenWork) -> tuple[Alert, ...]:
    """The alert on reviews from which models learn, and none of which can promote one."""
    if work.unjudged <= UNLEARNED_TIMES * limits.labels:
        return ()
    remedy = 'review from the queue, and let a program that labels right and wrong answers alike send `"via": "batch"`'
    there = f"none of {amount(work.unjudged, 'review')} is evidence between models, since all are volunteered"
    return (Alert("no-evidence", f"{there}, and no model is promoted: {remedy}", None),)


def _nth(moments: tuple[float, ...], n: int) -> float | None:
    return moments[n - 1] if len(moments) >= n else None
