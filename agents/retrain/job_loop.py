"""Open jobs, one after the other: trainings and shadows; and what is made ready while there are none."""

from __future__ import annotations

from relearn.agents.retrain.context import Retraining, news
from relearn.agents.retrain.shadow_job import judge_shadow
from relearn.agents.retrain.training_job import run_training
from relearn.agents.stores.training.jobs import take_training


async def run_jobs(retraining: Retraining) -> None:
    """Run open training jobs, one after the other; what a killed worker left open comes first.

    Raises:
        Stopping: asked to stop while a server is away.
    """
    await retraining.caught_up()
    pool = await retraining.pool()
    try:
        while not retraining.stop():
            job = await retraining.patiently(lambda: take_training(pool)) if retraining.in_charge() else None
            if job is None:
                await _rest(retraining)
            elif job.state == "shadow":
                if not await judge_shadow(retraining, job):
                    await news(retraining.new_jobs)
            else:
                await run_training(retraining, job)
            retraining.new_activations.set()
    finally:
        await retraining.trainer.dismiss()


async def _rest(retraining: Retraining) -> None:
    """Wait for news. Where there are none, the last model is live: time to make the next training's process ready."""
    quiet = not await news(retraining.new_jobs)
    if not retraining.in_charge():
        await retraining.trainer.dismiss()
    elif quiet:
        await retraining.trainer.stand_by()
