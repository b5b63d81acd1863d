"""Automatic retraining: its policy, holds, and rollback."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from relearn.agents.learning.policy import Limits, decide
from relearn.agents.learning.shadow_verdict import SHADOW_PROMOTES, SHADOW_REJECTS
from relearn.agents.learning.significance import log_evidence
from relearn.agents.stores.training.policy_facts import read_facts
from relearn.api.http.call import Call, Handlers
from relearn.api.queries.retraining import OpenShadow, hold_and_shadow
from relearn.api.writes.commands import send_command
from relearn.schemas.http.operation import AcceptedCommand
from relearn.schemas.http.retraining import PromotionHold, Retraining, RetrainTrigger, ShadowTrial, TriggerName
from relearn.schemas.messages.commands import rollback_id
from relearn.schemas.settings import Settings


async def get_retraining(call: Call[None, None, None]) -> Retraining:
    """The policy's decision on the current facts."""
    pool, settings = call.context.pool, call.context.settings
    facts, now_s = await read_facts(pool, audits=True)
    held, shadow = await hold_and_shadow(pool)
    decision = decide(facts, Limits.of(settings), now_s)
    ended_s = facts.last_ended_s
    return Retraining(
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
        last_ended_at=None if ended_s is None else datetime.fromtimestamp(ended_s, UTC).isoformat(),
        open_job=facts.open_job,
        hold=None if held is None else PromotionHold(held.command, held.by, held.version, held.at.isoformat()),
        shadow=None if shadow is None else _shadow(shadow, settings),
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


def _shadow(found: OpenShadow, settings: Settings) -> ShadowTrial:
    fixed, broken, rows = found.tally
    return ShadowTrial(
        version=found.version,
        job=found.job,
        champion=found.champion,
        since=found.since.isoformat(),
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
