"""Running one training job: the trial, the fit in its process, the gate, and the registration of the model."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import structlog

from relearn.agents.availability.retry import Stopping, sleep_unless_stopped
from relearn.agents.kafka.limits import STALE_S
from relearn.agents.learning.fitted_model import Fitted
from relearn.agents.learning.gate import Verdict, depends_on_unreviewed, job_metrics, judge_challenger
from relearn.agents.learning.model_size import why_too_large
from relearn.agents.learning.nothing_new import nothing_new
from relearn.agents.learning.snapshot import Snapshot
from relearn.agents.learning.training_set import set_digest
from relearn.agents.learning.trial import Trial, prepare
from relearn.agents.retrain.context import RetrainContext
from relearn.agents.retrain.shadow_job import supersede
from relearn.agents.stores.postgres import Connection, postgres_errors
from relearn.agents.stores.predictions.unreviewed import read_unreviewed
from relearn.agents.stores.training.activations import ActivationCause, activate, begin_shadowing, end_shadowing
from relearn.agents.stores.training.champion import judging_champion
from relearn.agents.stores.training.jobs import Job, State, begin_shadow, end_job, lock_job
from relearn.agents.stores.training.models import State as ModelState
from relearn.agents.stores.training.models import register_model
from relearn.agents.stores.training.policy_facts import hold_of
from relearn.agents.stores.training.snapshot import read_admitted
from relearn.schemas.errors import RelearnError, TrainingDied
from relearn.schemas.topics import topic_name

log = structlog.get_logger()

#: Waits before the next attempts after the training process died. A shortage of memory may have passed by then.
AGAIN_AFTER_S = (1.0, 5.0, 25.0)
_ERROR_MAX = 1000
_BECAME: Mapping[State, str] = {"promoted": "the champion", "shadow": "the shadow"}


#: One attempt at a job, from the present snapshot; it ends the job, or raises.
Attempt = Callable[[RetrainContext, Job], Awaitable[None]]


class Judged(NamedTuple):
    """A challenger with its verdict. `metrics`: of the job; `digest`: of what it was made of."""

    trial: Trial
    fitted: Fitted
    verdict: Verdict
    metrics: Mapping[str, Any]
    digest: bytes


class _Laps:
    """How long the parts of a training took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since = time.monotonic()

    def end(self, part: str) -> None:
        """`part` has ended, and the next one begins."""
        now = time.monotonic()
        self.seconds[f"{part}_s"] = round(now - self._since, 3)
        self._since = now


async def run_job(context: RetrainContext, job: Job, attempt_at: Attempt) -> None:
    """Run the open `job` until its verdict. A job that another process had started makes one model all the same.

    If another worker is in charge at the next attempt, the job stays open for that worker.

    Raises:
        Stopping: asked to stop while a server is away, or before the next attempt; the job stays open.
    """
    log.info("training", job=job.id, command=job.command)
    for attempt, pause_s in enumerate((*AGAIN_AFTER_S, None), start=1):
        try:
            await attempt_at(context, job)
        except TrainingDied as exc:
            if pause_s is None:
                await end(context, job, "failed", f"{exc}; given up after {attempt} attempts")
                return
            log.warning("training_again", job=job.id, error=str(exc), after_s=pause_s)
        except Stopping:
            raise
        except RelearnError as exc:
            # Unavailable servers were retried: this error would be the same at the next attempt.
            await end(context, job, "failed", str(exc))
            return
        except Exception as exc:
            # A defect. The job would end the next process, too, and no job after it would run.
            log.exception("training_failed", job=job.id)
            await end(context, job, "failed", f"{type(exc).__name__}: {exc}"[:_ERROR_MAX])
            return
        else:
            return
        with context.state.meanwhile("waiting to train again"):
            await sleep_unless_stopped(pause_s, stop=context.stop)
        if not context.in_charge():
            return


async def train(context: RetrainContext, job: Job) -> None:
    """One attempt, from the present snapshot.

    Raises:
        TrainingDied: the training process died, which is no result of the job.
    """
    settings, pool, laps = context.settings, await context.pool(), _Laps()
    snapshot, admitted = await context.until_available(lambda: read_admitted(pool, settings, context.labels))
    laps.end("read")
    most, weight = settings.train_max_labels, settings.assumed_weight
    trial = await asyncio.to_thread(prepare, snapshot, admitted, assumed_weight=weight, max_labels=most)
    laps.end("prepare")
    reason = nothing_new(snapshot, trial)
    if reason is not None:
        await end(context, job, "skipped", reason, cut=trial.facts["cut"])
        return
    too_large = why_too_large(trial.examples, await context.read_limit(max_age_s=STALE_S))
    if too_large is not None:
        await end(context, job, "failed", too_large)
        return
    fitted = await context.trainer.train(trial.examples)
    laps.end("fit")
    verdict = await judged(context, trial, fitted, snapshot)
    laps.end("judge")
    whole = Judged(trial, fitted, verdict, job_metrics(trial, fitted, verdict), set_digest(trial.examples))
    await context.until_available(lambda: conclude(context, job, whole))
    laps.end("conclude")
    log.info("job_timed", job=job.id, labels=len(snapshot.statements), **laps.seconds)


async def judged(context: RetrainContext, trial: Trial, fitted: Fitted, snapshot: Snapshot) -> Verdict:
    """The verdict. Unreviewed records that the snapshot lacks are read now, and only if the verdict depends on them.

    Read now, it contains the records without a review at this moment. Reviews newer than the snapshot don't count.
    """
    pool, champion, alpha = await context.pool(), trial.champion, context.settings.gate_alpha
    unreviewed = snapshot.unreviewed
    # In threads, as `prepare`: the challenger scores all reviewed records.
    if (
        unreviewed is None
        and champion is not None
        and await asyncio.to_thread(depends_on_unreviewed, trial, fitted, alpha=alpha)
    ):
        ingest = topic_name(context.settings.namespace, "ingest")
        unreviewed = await context.until_available(
            lambda: read_unreviewed(pool, champion.version, ingest=ingest, schema=snapshot.number, all_or_none=True)
        )
    return await asyncio.to_thread(judge_challenger, trial, fitted, unreviewed, alpha=alpha)


async def conclude(context: RetrainContext, job: Job, challenger: Judged) -> None:
    """Write the model, its activation and the end of the job in one transaction; nothing if the job has ended."""
    (trial, fitted, verdict, metrics, digest), pool = challenger, await context.pool()
    with postgres_errors():
        async with pool.acquire() as connection, connection.transaction():
            if await lock_job(connection, job.id) != "running":
                log.warning("job_ended_elsewhere", job=job.id)
                return
            champion = await judging_champion(connection)
            judged_against = None if trial.champion is None else trial.champion.version
            if champion != judged_against:
                log.warning("champion_changed_meanwhile", job=job.id, judged_against=judged_against, champion=champion)
                return  # still running: the job is taken again, and judged against the present champion
            outcome, error = await _outcome(connection, verdict)
            state: ModelState = {"promoted": "former", "shadow": "shadow"}.get(outcome, "rejected")  # type: ignore[assignment]
            cause, cut = ActivationCause(job.id, job.by, job.reason), trial.facts["cut"]
            version = await register_model(
                connection, job.id, trial.examples, fitted, state, knew=trial.knowledge, digest=digest
            )
            became = _BECAME.get(outcome)
            replaced = became is not None and await supersede(
                connection, f"model {version}, trained later, is {became}"
            )
            if outcome == "shadow":
                await begin_shadowing(connection, version, cause, context.signing, above=context.above())
                await begin_shadow(connection, job.id, version, metrics, cut=cut)
            else:
                if outcome == "promoted":
                    await activate(connection, version, cause, context.signing, above=context.above())
                    if replaced:
                        await end_shadowing(connection, cause, context.signing, above=context.above())
                await end_job(connection, job.id, outcome, version=version, metrics=metrics, error=error, cut=cut)
    if outcome == "shadow":
        context.new_shadows.set()
    log.info(
        "job_judged",
        job=job.id,
        outcome=outcome,
        why=verdict.why,
        version=version,
        examples=len(trial.examples),
        accuracy=fitted.metrics.get("accuracy"),
    )


async def _outcome(connection: Connection, verdict: Verdict) -> tuple[State, str | None]:
    """The gate's verdict. On hold, only the first model of all is promoted."""
    held = await hold_of(connection)
    if held is not None and verdict.path != "first" and verdict.outcome == "promoted":
        return "rejected", f"the gate would promote it ({verdict.why}), but promotion is on hold: {held}"
    return verdict.outcome, None if verdict.outcome == "promoted" else verdict.why


async def end(context: RetrainContext, job: Job, state: State, error: str, *, cut: int | None = None) -> None:
    pool = await context.pool()

    async def end() -> bool:
        with postgres_errors():
            return await end_job(pool, job.id, state, error=error, cut=cut)

    await context.until_available(end)
    log.info("job_ended", job=job.id, state=state, error=error)
