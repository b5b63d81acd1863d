"""Running one import job: a model that was made elsewhere is measured, judged by the gate, and registered."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from relearn.agents.learning.imported import (
    as_fitted,
    import_digest,
    import_trial,
    judge_without_champion,
    same_numbers,
)
from relearn.agents.learning.snapshot import Champion
from relearn.agents.learning.trial import Trial, prepare
from relearn.agents.retrain.context import RetrainContext
from relearn.agents.retrain.training_job import Judged, conclude, end, judged
from relearn.agents.stores.training.imports import read_import
from relearn.agents.stores.training.jobs import Job
from relearn.agents.stores.training.snapshot import read_admitted
from relearn.schemas.errors import Refused
from relearn.schemas.features import same_kinds
from relearn.schemas.model.linear_svm import Model


async def judge_import(context: RetrainContext, job: Job) -> None:
    """One attempt, on the labels that there are now.

    Raises:
        Refused: the command's model isn't there, or has other features than the namespace has now.
        Stopping: asked to stop while a server is away; the job stays open.
    """
    settings, pool = context.settings, await context.pool()
    model = await context.until_available(lambda: read_import(pool, job.id))
    if model is None:
        raise Refused("the imported model isn't stored any more: `relearn model import` stores it again")
    await context.read_limit()
    snapshot, admitted = await context.until_available(lambda: read_admitted(pool, settings, context.labels))
    its, ours = model.schema, snapshot.schema
    if not same_kinds(its, ours) or any(
        b.missing > a.missing for a, b in zip(its.features, ours.features, strict=True)
    ):
        raise Refused("the namespace's features aren't those that the file was read for: `relearn model import` again")
    # No unreviewed record joins: there is no training set.
    prepared = await asyncio.to_thread(
        prepare, replace(snapshot, unreviewed=None), admitted, assumed_weight=0.0, max_labels=settings.train_max_labels
    )
    same = _champions_own(model, snapshot.champion)
    if same is not None:
        await end(context, job, "skipped", same)
        return
    fitted = await asyncio.to_thread(as_fitted, model, prepared.examples, job.reason)
    trial: Trial = import_trial(prepared, knows_labels=job.reason.get("knows_labels") is True)
    verdict = (
        judge_without_champion(fitted)
        if trial.champion is None
        else await judged(context, trial, fitted, replace(snapshot, unreviewed=None))
    )
    figures = {"outcome": verdict.outcome, "path": verdict.path, "why": verdict.why, **verdict.facts}
    metrics = {**fitted.metrics, "gate": figures}
    # Its folds are itself: nothing has to be stored for them.
    whole = Judged(trial, replace(fitted, folds=()), verdict, metrics, import_digest(model))
    await context.until_available(lambda: conclude(context, job, whole))


def _champions_own(model: Model, champion: Champion | None) -> str | None:
    """Why the model would change nothing: it has the champion's numbers; None where it has others."""
    if champion is None or not same_numbers(model, champion.model):
        return None
    return f"nothing new: these are the numbers of model {champion.model.version}, the champion"
