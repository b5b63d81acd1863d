"""A job in state `shadow`: its model scores the live stream beside the champion until reviews show which is better.

Trainings go on meanwhile. A newer challenger that is promoted, or becomes the shadow itself, supersedes it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import structlog

from relearn.agents.learning.fitted_model import FoldModels
from relearn.agents.learning.gate import Verdict
from relearn.agents.learning.shadow_verdict import out_of_fold, shadow_tally, shadow_verdict
from relearn.agents.learning.significance import Tally
from relearn.agents.retrain.context import RetrainContext
from relearn.agents.stores.feedback.reviewer_statements import (
    features_of,
    newest_of_model,
    statements_with_shadow,
)
from relearn.agents.stores.postgres import Connection, Pool, postgres_errors, read_snapshot
from relearn.agents.stores.training.activations import ActivationCause, activate, end_shadowing
from relearn.agents.stores.training.champion import champion_version
from relearn.agents.stores.training.jobs import Job, State, end_job, lock_job, open_shadow, write_shadow_tally
from relearn.agents.stores.training.models import fold_models, leave_shadow, load_model
from relearn.agents.stores.training.policy_facts import hold_of
from relearn.agents.stores.training.snapshot import labelled_keys
from relearn.schemas.errors import Refused

log = structlog.get_logger()

#: The evidence is read again without new statements after this time: records read twice may get a shadow's answer late.
AGAIN_EVERY_S = 60.0
#: The longest time between two looks that counts: a suspended process watches nothing.
LONGEST_LOOK_S = 5.0


class ShadowJudge:
    """The judge of one shadow job. `clock` is monotonic: no server's clock ends a shadow.

    A look reads the newest statement's number. The evidence is read when that has changed, in a snapshot that locks
    nothing. The keys that the shadow was trained on, and its fold models, are read once.
    """

    def __init__(self, context: RetrainContext, job: Job, clock: Callable[[], float] = time.monotonic) -> None:
        if job.version is None or job.champion is None:
            raise RuntimeError(f"job {job.id} is a shadow without a model, or without a champion beside it")
        self.job = job
        #: How often the evidence was read.
        self.readings = 0
        self._context = context
        self._clock = clock
        self._shadow, self._champion = job.version, job.champion
        self._labelled: frozenset[str] | None = None
        self._folds = FoldModels((), ())
        self._newest = -1
        self._read_s = 0.0
        self._tally = Tally(0, 0, 0)
        self._looked_s = clock()
        self._watched_s = 0.0

    async def judge(self) -> bool:
        """Judge the evidence once. Returns True if the job has ended. May be repeated.

        Raises:
            Stopping: asked to stop while a server is away; the job stays open.
        """
        now_s = self._clock()
        self._watched_s += min(LONGEST_LOOK_S, now_s - self._looked_s)
        self._looked_s = now_s
        await self._context.read_limit()
        try:
            return await self._context.until_available(self._judge)
        except Refused as exc:
            error = str(exc)
        return await self._context.until_available(lambda: _fail(self._context, self.job, error))

    async def _judge(self) -> bool:
        pool = await self._context.pool()
        await self._read(pool)
        with postgres_errors():
            async with pool.acquire() as connection, connection.transaction():
                ended, watched_s = await self._decide(connection)
        # Only what was committed was added to the job.
        self._watched_s -= watched_s
        return ended

    async def _read(self, pool: Pool) -> None:
        """Read the evidence if it may have changed."""
        async with read_snapshot(pool) as connection:
            if self._labelled is None:
                self._folds = await fold_models(connection, self._shadow)
                self._labelled = await labelled_keys(connection, self._shadow)
            newest = await newest_of_model(connection, self._champion)
            if newest == self._newest and self._clock() - self._read_s < AGAIN_EVERY_S:
                return
            pairs = await statements_with_shadow(connection, self._shadow, self._champion)
            known = [one.id for one, _ in pairs if one.key in self._labelled]
            shadow = await load_model(connection, self._shadow) if self._folds.models else None
            features, string_of = ({}, {}) if shadow is None else await features_of(connection, known, shadow)
        whole = [(one._replace(features=features[one.id]) if one.id in features else one, it) for one, it in pairs]
        fair = out_of_fold(whole, labelled=self._labelled, folds=self._folds, string_of=string_of)
        self._tally = shadow_tally(fair, champion=self._champion)
        self._newest, self._read_s = newest, self._clock()
        self.readings += 1

    async def _decide(self, connection: Connection) -> tuple[bool, float]:
        """Whether the job has ended, and the time that was added to it."""
        context, job, watched_s = self._context, self.job, self._watched_s
        if await lock_job(connection, job.id) != "shadow":
            return True, 0.0
        champion = await champion_version(connection)
        if champion != self._champion:
            why = f"model {self._champion}, which it was compared with, isn't the champion now"
            await _end(connection, context, job, "superseded", error=why)
            return True, 0.0
        elapsed_s = await write_shadow_tally(connection, job.id, self._tally._asdict(), watched_s=watched_s)
        settings = context.settings
        verdict = shadow_verdict(
            self._tally, elapsed_s=elapsed_s, labels_limit=settings.shadow_labels, time_limit_s=settings.shadow_s
        )
        if verdict is None or (verdict.outcome == "promoted" and await hold_of(connection) is not None):
            return False, watched_s
        return await _conclude(connection, context, job, verdict), watched_s


async def supersede(connection: Connection, why: str) -> bool:
    """End the open shadow without a verdict, in the caller's transaction. Returns whether there was one.

    The caller writes the next activation for shadows: of another model, or of none.
    """
    job = await open_shadow(connection, lock=True)
    if job is None or job.version is None:
        return False
    await leave_shadow(connection, job.version, "rejected")
    await end_job(connection, job.id, "superseded", version=job.version, error=why)
    log.info("shadow_superseded", job=job.id, version=job.version, why=why)
    return True


async def _fail(context: RetrainContext, job: Job, error: str) -> bool:
    """End a job whose model can't be activated: its message is larger than the topic takes now."""
    pool = await context.pool()
    with postgres_errors():
        async with pool.acquire() as connection, connection.transaction():
            if await lock_job(connection, job.id) == "shadow":
                await _end(connection, context, job, "failed", error=error)
    log.error("shadow_failed", job=job.id, version=job.version, error=error)
    return True


async def _conclude(connection: Connection, context: RetrainContext, job: Job, verdict: Verdict) -> bool:
    """End the shadow and its job by a verdict, and activate the winner."""
    job_metrics: dict[str, Any] = dict(job.metrics or {})
    figures = {"outcome": verdict.outcome, "path": verdict.path, "why": verdict.why, **verdict.facts}
    metrics = {**job_metrics, "gate": {**job_metrics.get("gate", {}), "shadow": figures}}
    error = None if verdict.outcome == "promoted" else verdict.why
    await _end(connection, context, job, verdict.outcome, metrics=metrics, error=error)
    log.info("shadow_judged", job=job.id, version=job.version, outcome=verdict.outcome, why=verdict.why)
    return True


async def _end(
    connection: Connection,
    context: RetrainContext,
    job: Job,
    state: State,
    *,
    metrics: dict[str, Any] | None = None,
    error: str | None,
) -> None:
    """End the shadow and its job, and activate its model if that is promoted."""
    assert job.version is not None
    cause = ActivationCause(job.id, job.by, job.reason)
    await leave_shadow(connection, job.version, "former" if state == "promoted" else "rejected")
    if state == "promoted":
        await activate(connection, job.version, cause, context.signing, above=context.above())
    await end_shadowing(connection, cause, context.signing, above=context.above())
    await end_job(connection, job.id, state, version=job.version, metrics=metrics, error=error)
