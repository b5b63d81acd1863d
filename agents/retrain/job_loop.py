"""Open jobs, one after the other: trainings and shadows; and what is made ready while there are none."""

from __future__ import annotations

from relearn.agents.retrain.context import RetrainContext, wait_for_signal
from relearn.agents.retrain.shadow_job import ShadowJudge
from relearn.agents.retrain.training_job import run_training
from relearn.agents.stores.training.jobs import take_training


async def run_jobs(context: RetrainContext) -> None:
    """Run open training jobs, one after the other, first the one that a killed worker left open.

    Raises:
        Stopping: asked to stop while a server is away.
    """
    await context.caught_up()
    pool = await context.pool()
    judge: ShadowJudge | None = None
    try:
        while not context.stop():
            job = await context.until_available(lambda: take_training(pool)) if context.in_charge() else None
            if job is None:
                await _rest(context)
            elif job.state == "shadow":
                if judge is None or judge.job.id != job.id:
                    judge = ShadowJudge(context, job)
                if not await judge.judge():
                    await wait_for_signal(context.new_jobs)
            else:
                await run_training(context, job)
            context.new_activations.set()
    finally:
        await context.trainer.dismiss()


async def _rest(context: RetrainContext) -> None:
    """Wait for a signal. After a quiet second no work is pending: start the process of the next training."""
    quiet = not await wait_for_signal(context.new_jobs)
    if not context.in_charge():
        await context.trainer.dismiss()
    elif quiet:
        await context.trainer.stand_by()
