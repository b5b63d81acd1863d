"""Automatic retraining: its policy, holds, and rollback."""

from __future__ import annotations

import msgspec

from relearn.agents.learning.loop_state import UNLEARNED_TIMES, Alert, OpenShadow
from relearn.agents.learning.policy import Limits, corrections_needed
from relearn.agents.learning.shadow_verdict import SHADOW_PROMOTES, SHADOW_REJECTS
from relearn.agents.learning.significance import log_evidence
from relearn.agents.stores.training.loop_facts import Loop, iso_time, iso_time_or_none, read_loop
from relearn.api.http.call import Call, Handlers
from relearn.api.writes.commands import send_command
from relearn.schemas.http.operation import AcceptedCommand
from relearn.schemas.http.retraining import (
    PromotionHold,
    Retraining,
    RetrainingAlert,
    RetrainTrigger,
    ShadowTrial,
    TriggerName,
    Unlearned,
)
from relearn.schemas.messages.commands import rollback_id
from relearn.schemas.settings import Settings


async def get_retraining(call: Call[None, None, None]) -> Retraining:
    """What the loop is doing, and the policy's decision on the current facts."""
    settings = call.context.settings
    loop = await read_loop(call.context.pool, settings, audits=True)
    state, decision, facts, held = loop.state, loop.decision, loop.facts, loop.hold
    return Retraining(
        state=state.name,
        sentence=state.sentence,
        since=iso_time_or_none(state.since_s),
        alerts=[_alert(one) for one in state.alerts],
        unlearned=_unlearned(loop, Limits.of(settings)),
        words=decision.words,
        trigger=msgspec.convert(decision.trigger, TriggerName | None),
        triggers=[msgspec.convert(one, RetrainTrigger, from_attributes=True) for one in decision.triggers],
        obstacles=list(decision.obstacles),
        wake_s=decision.wake_s,
        champion=facts.champion,
        activation=facts.activation,
        corrections=facts.corrections,
        labels=facts.labels,
        rejections=facts.rejections,
        last_ended_at=iso_time_or_none(facts.last_ended_s),
        open_job=facts.open_job,
        shadow_job=None if loop.work.shadow is None else loop.work.shadow.job,
        hold=None
        if held is None
        else PromotionHold(held.command, held.by, held.version, held.at.isoformat(), held.words),
        shadow=None if loop.work.shadow is None else _shadow(loop.work.shadow, settings),
    )


async def hold_retraining(call: Call[None, None, None]) -> AcceptedCommand:
    """Send the command `hold`: no automatic promotion."""
    return await send_command(call, "hold")


async def rollback_champion(call: Call[None, None, None]) -> AcceptedCommand:
    """Send the command `rollback`. Its id depends on the activation, so that repeated requests roll back once."""
    live, namespace = call.context.live.current, call.context.settings.namespace
    return await send_command(call, "rollback", job=None if live is None else rollback_id(namespace, live.activation))


async def resume_retraining(call: Call[None, None, None]) -> AcceptedCommand:
    """Send the command `resume`: automatic promotion again."""
    return await send_command(call, "resume")


def _alert(found: Alert) -> RetrainingAlert:
    return RetrainingAlert(found.code, found.detail, iso_time_or_none(found.since_s))


def _unlearned(loop: Loop, limits: Limits) -> Unlearned:
    facts = loop.facts
    most = UNLEARNED_TIMES * corrections_needed(facts, limits), UNLEARNED_TIMES * limits.labels
    return Unlearned(facts.corrections, facts.labels, facts.more, loop.work.waiting, *most)


def _shadow(found: OpenShadow, settings: Settings) -> ShadowTrial:
    fixed, broken, rows = found.tally
    return ShadowTrial(
        version=found.version,
        job=found.job,
        champion=found.champion,
        since=iso_time(found.since_s),
        fixed=fixed,
        broken=broken,
        labels=rows,
        evidence=log_evidence(fixed, broken),
        promotes_at=SHADOW_PROMOTES,
        rejects_at=SHADOW_REJECTS,
        labels_limit=settings.shadow_labels,
        time_limit_s=settings.shadow_s,
        elapsed_s=found.elapsed_s,
    )


HANDLERS: Handlers = {
    "get_retraining": get_retraining,
    "hold_retraining": hold_retraining,
    "rollback_champion": rollback_champion,
    "resume_retraining": resume_retraining,
}
