"""Jobs and models as text and tables, for `relearn model` and `relearn job`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from relearn.scripts.render.figures import gate_lines, moment, out_of_fold_lines, share, trained_on_lines
from relearn.scripts.render.tables import plain_table

if TYPE_CHECKING:  # models need numpy
    from relearn.agents.stores.training.jobs import Job
    from relearn.agents.stores.training.models import ModelRow


def models_table(models: Sequence[ModelRow]) -> Table:
    """One row per model."""
    table = plain_table(
        "version", "state", "examples", "assumed", "out of fold", "activation", "created", "job", flowing=["job"]
    )
    for one in models:
        table.add_row(
            str(one.version),
            one.state,
            str(one.examples),
            str(one.assumed or ""),
            share(one.metrics.get("accuracy")),
            "" if one.activation is None else str(one.activation),
            moment(one.created_at),
            one.job,
        )
    return table


def jobs_table(jobs: Sequence[Job]) -> Table:
    """One row per job."""
    table = plain_table("id", "command", "state", "trigger", "model", "queued", "why", flowing=["id", "why"])
    for one in jobs:
        trigger, version = str(one.reason.get("trigger", "")), one.version or one.requested
        table.add_row(
            one.id,
            one.command,
            one.outcome,
            trigger,
            "" if version is None else str(version),
            moment(one.queued_at),
            one.error or "",
        )
    return table


def outcome_lines(
    job: Job | None, model: ModelRow | None, workers: Sequence[Mapping[str, Any]] | None
) -> Iterator[str]:
    """The result of a command."""
    if job is not None:
        yield f"job {job.id}: {job.outcome}" + (f": {job.error}" if job.error else "")
    if model is not None:
        yield from model_lines(model)
    if job is not None and job.state == "promoted" and model is not None:
        yield f"  served by     {_served(model, workers)}"


def model_lines(model: ModelRow) -> Iterator[str]:
    """One model."""
    yield f"model {model.version}: {model.state}"
    if "imported" not in model.metrics:
        yield f"  examples      {model.examples}" + (f", and {model.assumed} assumed" if model.assumed else "")
    yield from out_of_fold_lines(model.metrics)
    if model.activation is not None and model.activated_at is not None:
        yield f"  activation    {model.activation}, {moment(model.activated_at)}"
    yield f"  created       {moment(model.created_at)} by job {model.job}"


def job_lines(job: Job) -> Iterator[str]:
    """One job, with the gate's figures."""
    yield f"job {job.id}: {job.command}, {job.outcome}" + (f": {job.error}" if job.error else "")
    yield f"  reason        {facts_line(job.reason)}"
    if job.by is not None:
        yield f"  by            {job.by}"
    if job.version is not None or job.requested is not None:
        yield f"  model         {job.version or job.requested}"
    if job.champion is not None:
        yield f"  champion then {job.champion}"
    for name, at in (("queued", job.queued_at), ("started", job.started_at), ("ended", job.ended_at)):
        if at is not None:
            yield f"  {name:<14}{moment(at)}"
    metrics = job.metrics or {}
    yield from out_of_fold_lines(metrics)
    yield from trained_on_lines(metrics)
    yield from gate_lines(metrics)


def facts_line(reason: Mapping[str, Any]) -> str:
    """A reason's facts, the trigger first."""
    return ", ".join(f"{name} {reason[name]}" for name in sorted(reason, key=lambda name: name != "trigger"))


def _served(model: ModelRow, workers: Sequence[Mapping[str, Any]] | None) -> str:
    if workers is None:
        return "unknown: Redis doesn't answer"
    serving = [str(one["id"]) for one in workers if (one["activation"] or 0) >= (model.activation or 0)]
    late = [str(one["id"]) for one in workers if str(one["id"]) not in serving]
    served = ", ".join(serving) or "no score worker yet"
    return served + (f"; not yet by {', '.join(late)}" if late else "")
