"""A job in state `shadow`: its model scores the live stream beside the champion until reviews show which is better."""

from __future__ import annotations

import time
from typing import Any

import structlog

from relearn.agents.learning.gate import Verdict
from relearn.agents.learning.shadow_verdict import shadow_tally, shadow_verdict
from relearn.agents.retrain.context import RetrainContext
from relearn.agents.stores.feedback.reviewer_statements import statements_with_shadow
from relearn.agents.stores.postgres import Connection, postgres_errors
from relearn.agents.stores.training.activations import ActivationCause, activate, end_shadowing, shadow_began_s
from relearn.agents.stores.training.champion import champion_version
from relearn.agents.stores.training.jobs import Job, end_job, lock_job, write_shadow_tally
from relearn.agents.stores.training.models import leave_shadow
from relearn.agents.stores.training.policy_facts import hold_of
from relearn.agents.stores.training.snapshot import training_keys
from relearn.schemas.errors import Refused

log = structlog.get_logger()


async def judge_shadow(context: RetrainContext, job: Job) -> bool:
    """Judge the evidence once. Returns True if the job has ended. May be repeated.

    Raises:
        Stopping: asked to stop while a server is away; the job stays open.
    """
    await context.read_limit()
    try:
        return await context.until_available(lambda: _judge(context, job))
    except Refused as exc:
        error = str(exc)
    return await context.until_available(lambda: _fail(context, job, error))


async def _fail(context: RetrainContext, job: Job, error: str) -> bool:
    """End a job whose model can't be activated: its message is larger than the topic takes now."""
    pool = await context.pool()
    assert job.version is not None
    with postgres_errors():
        async with pool.acquire() as connection, connection.transaction():
            if await lock_job(connection, job.id) == "shadow":
                await leave_shadow(connection, job.version, "rejected")
                cause = ActivationCause(job.id, job.by, job.reason)
                await end_shadowing(connection, cause, context.signing, above=context.above())
                await end_job(connection, job.id, "failed", version=job.version, error=error)
    log.error("shadow_failed", job=job.id, version=job.version, error=error)
    return True


async def _judge(context: RetrainContext, job: Job) -> bool:
    settings, pool = context.settings, await context.pool()
    if job.version is None:
        raise RuntimeError(f"job {job.id} is a shadow without a model")
    with postgres_errors():
        async with pool.acquire() as connection, connection.transaction():
            if await lock_job(connection, job.id) != "shadow":
                return True
            champion = await champion_version(connection)
            if champion is None or champion != job.champion:
                why = f"model {job.champion}, which it was compared with, is no longer the champion"
                return await _end(connection, context, job, Verdict("rejected", "shadow", why, {}))
            pairs = await statements_with_shadow(connection, job.version)
            found = shadow_tally(pairs, champion=champion, seen=await training_keys(connection, job.version))
            verdict = shadow_verdict(
                found,
                elapsed_s=time.time() - await shadow_began_s(connection, job.version),
                labels_limit=settings.shadow_labels,
                time_limit_s=settings.shadow_s,
            )
            await write_shadow_tally(connection, job.id, found._asdict())
            if verdict is None or (verdict.outcome == "promoted" and await hold_of(connection) is not None):
                return False
            return await _end(connection, context, job, verdict)


async def _end(connection: Connection, context: RetrainContext, job: Job, verdict: Verdict) -> bool:
    """End the shadow and its job, and activate the winner."""
    assert job.version is not None
    cause = ActivationCause(job.id, job.by, job.reason)
    await leave_shadow(connection, job.version, "former" if verdict.outcome == "promoted" else "rejected")
    if verdict.outcome == "promoted":
        await activate(connection, job.version, cause, context.signing, above=context.above())
    await end_shadowing(connection, cause, context.signing, above=context.above())
    job_metrics: dict[str, Any] = dict(job.metrics or {})
    figures = {"outcome": verdict.outcome, "path": verdict.path, "why": verdict.why, **verdict.facts}
    metrics = {**job_metrics, "gate": {**job_metrics.get("gate", {}), "shadow": figures}}
    error = None if verdict.outcome == "promoted" else verdict.why
    await end_job(connection, job.id, verdict.outcome, version=job.version, metrics=metrics, error=error)
    log.info("shadow_judged", job=job.id, version=job.version, outcome=verdict.outcome, why=verdict.why)
    return True
