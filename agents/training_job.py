"""Running training jobs: the set, the process that learns from it, the verdict, and its entry in the registry."""

from __future__ import annotations

import structlog

from agents.learning.examples import TrainingSet, set_digest
from agents.learning.fitted import Fitted
from agents.learning.judging import beats_majority
from agents.retraining import Retraining, news
from agents.stores.activations import Grounds, activate
from agents.stores.examples import read_training_set
from agents.stores.jobs import Job, State, end_job, take_training
from agents.stores.models import champion_digest, register_model
from agents.stores.postgres import translated
from agents.trainer import train
from schemas.errors import RelearnError

log = structlog.get_logger()


async def run_jobs(retraining: Retraining) -> None:
    """Run open training jobs, one after the other; what a killed worker left open comes first.

    Raises:
        Stopping: asked to stop while a server is away.
    """
    await retraining.caught_up()
    pool = await retraining.pool()
    while not retraining.stop():
        job = await retraining.patiently(lambda: take_training(pool)) if retraining.in_charge() else None
        if job is None:
            await news(retraining.new_jobs)
            continue
        await run_training(retraining, job)
        retraining.new_activations.set()


async def run_training(retraining: Retraining, job: Job) -> None:
    """Run `job`, which is open, to its end. It may have been begun before: one job makes one model all the same.

    Raises:
        Stopping: asked to stop while a server is away; the job stays open.
    """
    log.info("training", job=job.id)
    pool = await retraining.pool()
    try:
        examples = await retraining.patiently(lambda: read_training_set(pool))
        champion = await retraining.patiently(lambda: champion_digest(pool))
        if champion is not None and champion[1] == set_digest(examples):
            reason = f"nothing new to learn: model {champion[0]}, the champion, was trained on these very examples"
            await _end(retraining, job, "skipped", reason)
            return
        fitted = await train(examples)
        await retraining.patiently(lambda: _register(retraining, job, examples, fitted))
    except RelearnError as exc:
        # Servers that are away were waited for: what arrives here will be the same at the next attempt.
        await _end(retraining, job, "failed", str(exc))


def verdict(fitted: Fitted) -> tuple[State, str | None]:
    """Whether a model may go live without evidence against a champion, and if not, why."""
    metrics = fitted.metrics
    if beats_majority(metrics):
        return "promoted", None
    return "rejected", (
        f"out of fold it is right in {metrics['accuracy']:.1%}; "
        f"answering {metrics['majority_class']!r} every time is right in {metrics['majority']:.1%}"
    )


async def _register(retraining: Retraining, job: Job, examples: TrainingSet, fitted: Fitted) -> None:
    """The model, its activation and the end of the job: all or nothing, and nothing if the job has ended."""
    state, error = verdict(fitted)
    pool = await retraining.pool()
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            if await connection.fetchval("SELECT state FROM jobs WHERE id = $1 FOR UPDATE", job.id) != "running":
                log.warning("job_ended_elsewhere", job=job.id)
                return
            promoted = state == "promoted"
            version = await register_model(connection, job.id, examples, fitted, "former" if promoted else "rejected")
            if promoted:
                grounds = Grounds(job.id, job.by, job.reason)
                await activate(connection, version, grounds, retraining.seal, above=retraining.above())
            await end_job(connection, job.id, state, version=version, metrics=fitted.metrics, error=error)
    log.info(
        "job_ended",
        job=job.id,
        state=state,
        version=version,
        examples=len(examples),
        accuracy=round(fitted.metrics["accuracy"], 4),
    )


async def _end(retraining: Retraining, job: Job, state: State, error: str) -> None:
    pool = await retraining.pool()

    async def end() -> bool:
        with translated():
            return await end_job(pool, job.id, state, error=error)

    await retraining.patiently(end)
    log.info("job_ended", job=job.id, state=state, error=error)
