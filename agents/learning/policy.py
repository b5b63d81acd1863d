"""The retraining policy: from facts, limits and the time to a decision with its reasons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from relearn.schemas.settings import Settings
from relearn.schemas.text import first_few

#: Minimum number of audits from which the share of corrected audits counts.
LEAST_AUDITS = 50
#: Maximum number of drifted features that a command names.
DRIFTED_NAMED = 100
#: Minimum number of new labels for the triggers drift and schedule: without labels a training learns nothing new.
LEAST_LABELS = 10
#: N doubles with each consecutive rejection, at most this many times.
MOST_DOUBLINGS = 3
#: Maximum wait for a quiet period, as a multiple of its length, while corrections keep arriving.
SETTLE_AT_MOST = 5
#: A moment further ahead than two machines' clocks differ comes from a clock that has since been set back.
AHEAD_S = 60.0
#: Shorter waits count as none. float64 resolves seconds since 1970 to 2.4e-7, and a sum of such moments is rounded.
_LEAST_S = 0.001
_COUNTED = 10_000
_ALWAYS_GIVEN = ("champion", "activation", "cut", "corrections", "labels", "rejections")


@dataclass(frozen=True, slots=True)
class Limits:
    """The policy's numbers. `rate` and `every_s` are None where they are off; the rest of `…_s` are seconds."""

    corrections: int
    labels: int
    rate: float | None
    drift: bool
    every_s: float | None
    settle_s: float
    cooldown_s: float

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """The limits that the settings name `RELEARN_RETRAIN_…`."""
        return cls(
            settings.retrain_corrections,
            settings.retrain_labels,
            settings.retrain_rate,
            settings.retrain_drift,
            settings.retrain_every_s,
            settings.retrain_settle_s,
            settings.retrain_cooldown_s,
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """The inputs of the policy. Moments are seconds since 1970, preferably by the same clock as `now_s`."""

    #: The version that answers now; None before the first.
    champion: int | None
    activation: int | None
    #: The id of the newest correction in these facts.
    cut: int
    open_job: str | None
    #: Reason and start of the hold, as text; None: not on hold.
    on_hold: str | None
    #: The number of the `resume` that ended the last hold, else 0. It is part of the command's id, so that a training
    #: refused during the hold can be requested once more.
    resumed: int
    #: When the last training, or automatic rollback, ended; "new" below means after it.
    last_ended_s: float | None
    #: Consecutive trainings that ended rejected since the last promotion.
    rejections: int
    #: When each new correction was stored, ascending; the first 8·N are enough.
    corrections_s: tuple[float, ...]
    corrections: int
    #: New labels, including confirmations.
    labels: int
    #: When the newest feedback was stored.
    latest_s: float | None
    #: The champion's audit rows, and how many of them were corrected.
    audit_rows: int
    audit_corrected: int
    #: Features, or "margin", that have drifted.
    drifted: tuple[str, ...]
    #: Whether the last change of champion was an automatic rollback.
    rolled_back: bool
    #: When each new label was stored, ascending; the first 3·M are enough.
    labels_s: tuple[float, ...] = ()
    #: Whether there is more new feedback than was counted here.
    more: bool = False


@dataclass(frozen=True, slots=True)
class Trigger:
    """One reason to train. `threshold`: None where it is off; `value`: now, None where there is nothing to measure.

    `progress`: the state, as text. `waits_for`: what is missing, as text, empty once it is `met`. `wait_s`: time until
    it is met if nothing but time passes, 0 where it is met, None where time alone isn't enough.
    """

    name: str
    threshold: float | None
    value: float | None
    met: bool
    progress: str
    waits_for: str
    wait_s: float | None


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to train now, and the reasons.

    `trigger`: the first that is met, if there is no obstacle, else None. `reason`: the facts, for the command.
    `words`: one line for a person. `wake_s`: time until a training is due without new facts; None: never.
    """

    trigger: str | None
    reason: dict[str, Any]
    triggers: tuple[Trigger, ...]
    obstacles: tuple[str, ...]
    words: str
    wake_s: float | None


def decide(facts: Facts, limits: Limits, now_s: float) -> Decision:
    """Whether to train at `now_s`, seconds since 1970. The same facts and trigger give the same reason at any time."""
    triggers = (
        _count(facts, limits, now_s),
        _labels(facts, limits),
        _rate(facts, limits),
        _drift(facts, limits),
        _schedule(facts, limits, now_s),
    )
    lasting = _lasting_obstacles(facts, limits)
    cooldown_s = _left_s(facts.last_ended_s, limits.cooldown_s, now_s)
    obstacles = (*lasting, f"cooldown {_span(cooldown_s)} left") if cooldown_s else lasting
    met = next((one for one in triggers if one.met), None)
    trigger = met.name if met is not None and not obstacles else None
    words = "; ".join(((met or triggers[0]).progress, *obstacles))
    wake_s = None if trigger or lasting else _wake_s(triggers, cooldown_s)
    return Decision(trigger, _reason(facts, limits, trigger), triggers, obstacles, words, wake_s)


def command_id(namespace: str, facts: Facts, trigger: str) -> str:
    """The id of the command, and so of its job: the same facts give the same id."""
    resumed = f"/{facts.resumed}" if facts.resumed else ""
    return str(uuid5(NAMESPACE_OID, f"{namespace}/{facts.activation}/{facts.cut}/{trigger}{resumed}"))


def statements_counted(limits: Limits) -> int:
    """Maximum number of new statements that are read for the facts: several times all numbers that decide anything."""
    return max(_COUNTED, 10 * (limits.corrections << MOST_DOUBLINGS), 10 * limits.labels)


def corrections_needed(facts: Facts, limits: Limits) -> int:
    """N, doubled with each consecutive rejection, at most 8·N."""
    doublings = min(max(facts.rejections, 0), MOST_DOUBLINGS)
    return int(limits.corrections * 2**doublings)


def _count(facts: Facts, limits: Limits, now_s: float) -> Trigger:
    needed = corrections_needed(facts, limits)
    progress = some_of(facts.corrections, needed, "correction")
    if facts.corrections < needed:
        return _trigger("count", needed, facts.corrections, progress, _more(needed, facts.corrections, "correction"))
    left_s = _left_s(facts.latest_s, limits.settle_s, now_s)
    if len(facts.corrections_s) >= needed:
        reached_s = facts.corrections_s[needed - 1]
        left_s = min(left_s, _left_s(reached_s, SETTLE_AT_MOST * limits.settle_s, now_s))
    if left_s:
        progress += f", once quiet for {_span(limits.settle_s)}"
    return _trigger("count", needed, facts.corrections, progress, [], left_s=left_s)


def _labels(facts: Facts, limits: Limits) -> Trigger:
    progress = some_of(facts.labels, limits.labels, "label")
    return _trigger("labels", limits.labels, facts.labels, progress, _more(limits.labels, facts.labels, "label"))


def _rate(facts: Facts, limits: Limits) -> Trigger:
    share = facts.audit_corrected / facts.audit_rows if facts.audit_rows > 0 else None
    progress = f"{facts.audit_corrected} of {facts.audit_rows} audits corrected"
    if limits.rate is None:
        return _trigger("rate", None, share, progress, ["off"])
    # Without a new label the next training would see the same audits as the last one.
    missing = _more(LEAST_AUDITS, facts.audit_rows, "audit") + _more(1, facts.labels, "label")
    if share is None or share <= limits.rate:
        missing.append(f"more than {limits.rate:.1%} of audits corrected")
    return _trigger("rate", limits.rate, share, progress, missing)


def _drift(facts: Facts, limits: Limits) -> Trigger:
    n = len(facts.drifted)
    progress = f"drift in {first_few(facts.drifted)}" if n else "no drift"
    if not limits.drift:
        return _trigger("drift", None, n, progress, ["off"])
    missing = [] if n else ["drift"]
    return _trigger("drift", 1, n, progress, missing + _more(LEAST_LABELS, facts.labels, "label"))


def _schedule(facts: Facts, limits: Limits, now_s: float) -> Trigger:
    since_s = None if facts.last_ended_s is None else max(0.0, now_s - facts.last_ended_s)
    progress = "no training yet" if since_s is None else f"{since_s:.0f} s since the last training"
    if limits.every_s is None:
        return _trigger("schedule", None, since_s, progress, ["off"])
    left_s = _left_s(facts.last_ended_s, limits.every_s, now_s)
    missing = _more(LEAST_LABELS, facts.labels, "label")
    return _trigger("schedule", limits.every_s, since_s, progress, missing, left_s=left_s)


def _trigger(
    name: str, threshold: float | None, value: float | None, progress: str, missing: list[str], *, left_s: float = 0.0
) -> Trigger:
    words = " and ".join([*missing, _span(left_s)] if left_s else missing)
    return Trigger(name, threshold, value, not words, progress, words, None if missing else left_s)


def _more(needed: int, there: int, thing: str) -> list[str]:
    """What is missing until `needed`, in words; nothing where there is enough."""
    missing = needed - there
    return [amount(missing, f"more {thing}")] if missing > 0 else []


def amount(number: int, thing: str) -> str:
    """`1 label`, `1,200 labels`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def some_of(there: int, needed: int, thing: str) -> str:
    """`7 of 20 corrections`, `0 of 1 correction`."""
    return f"{there:,} of {amount(needed, thing)}"


def _lasting_obstacles(facts: Facts, limits: Limits) -> tuple[str, ...]:
    """The obstacles to any training until the facts change."""
    found = []
    if facts.champion is None:
        found.append("no champion yet")
    if facts.open_job is not None:
        found.append(f"a training is open: {facts.open_job}")
    if facts.on_hold is not None:
        found.append(f"on hold: {facts.on_hold}")
    if waits_after_rollback(facts, limits):
        found.append(f"after an automatic rollback: {some_of(facts.corrections, limits.corrections, 'new correction')}")
    return tuple(found)


def waits_after_rollback(facts: Facts, limits: Limits) -> bool:
    """Whether the last change of champion was an automatic rollback, and N new corrections haven't come since."""
    return facts.rolled_back and facts.corrections < limits.corrections


def _reason(facts: Facts, limits: Limits, trigger: str | None) -> dict[str, Any]:
    decided: dict[str | None, dict[str, Any]] = {
        "rate": {"audit_rows": facts.audit_rows, "audit_corrected": facts.audit_corrected, "rate": limits.rate},
        "drift": {"drifted": list(facts.drifted[:DRIFTED_NAMED]), "drifted_count": len(facts.drifted)},
        "schedule": {"every_s": limits.every_s, "last_ended_s": facts.last_ended_s},
    }
    return {
        "trigger": trigger,
        **{name: getattr(facts, name) for name in _ALWAYS_GIVEN},
        "corrections_needed": corrections_needed(facts, limits),
        "labels_needed": limits.labels,
        **decided.get(trigger, {}),
    }


def _wake_s(triggers: Sequence[Trigger], cooldown_s: float) -> float | None:
    waits = [one.wait_s for one in triggers if one.wait_s is not None]
    wake_s = max(cooldown_s, min(waits, default=math.inf))
    return wake_s if math.isfinite(wake_s) else None


def _left_s(since_s: float | None, length_s: float, now_s: float) -> float:
    """The rest of `length_s` since `since_s`, never negative; 0 where `since_s` is implausibly far ahead."""
    if since_s is None or since_s - now_s > AHEAD_S:
        return 0.0
    left_s = since_s + length_s - now_s
    return left_s if left_s >= _LEAST_S else 0.0


def _span(length_s: float) -> str:
    return f"{max(length_s, 1.0):.0f} s"
