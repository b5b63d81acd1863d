"""Open jobs: trainings and imports in turn, and the shadow beside them; and what is made ready while none runs."""

from __future__ import annotations

import gc

from relearn.agents.retrain.context import RetrainContext, wait_for_signal
from relearn.agents.retrain.import_job import judge_import
from relearn.agents.retrain.shadow_job import ShadowJudge
from relearn.agents.retrain.training_job import Attempt, run_job, train
from relearn.agents.stores.training.jobs import open_shadow, take_training

#: Of `gc.set_threshold`: garbage is looked for among new objects after 100,000 instead of 700 of them, and a tenth as
#: often among older ones, as always. Labels are objects by the hundred thousand, and with Python's own number looking
#: at them takes 40 % of a preparation.
COLLECTED_AFTER = (100_000, 10, 10)
#: What makes the challenger of each command.
ATTEMPTS: dict[str, Attempt] = {"train": train, "import": judge_import}


async def run_trainings(context: RetrainContext) -> None:
    """Run open trainings and imports, one after the other, first the one that a killed worker left open.

    Raises:
        Stopping: asked to stop while a server is away.
    """
    gc.set_threshold(*COLLECTED_AFTER)
    await context.caught_up()
    pool = await context.pool()
    try:
        while not context.stop():
            job = await context.until_available(lambda: take_training(pool)) if context.in_charge() else None
            if job is None:
                await _rest(context)
            else:
                await run_job(context, job, ATTEMPTS[job.command])
                context.new_activations.set()
    finally:
        await context.trainer.dismiss()


async def judge_shadows(context: RetrainContext) -> None:
    """Judge the shadow as long as there is one; a training that runs meanwhile may supersede it.

    Raises:
        Stopping: asked to stop while a server is away.
    """
    await context.caught_up()
    pool = await context.pool()
    judge: ShadowJudge | None = None
    while not context.stop():
        job = await context.until_available(lambda: open_shadow(pool)) if context.in_charge() else None
        if job is None:
            judge = None
        else:
            if judge is None or judge.job.id != job.id:
                judge = ShadowJudge(context, job)
            if await judge.judge():
                context.new_activations.set()
        await wait_for_signal(context.new_shadows)


async def _rest(context: RetrainContext) -> None:
    """Wait for a signal. After a quiet second no work is pending: start the process of the next training."""
    quiet = not await wait_for_signal(context.new_jobs)
    if not context.in_charge():
        await context.trainer.dismiss()
    elif quiet:
        await context.trainer.stand_by()
