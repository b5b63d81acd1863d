"""Jobs and models in words and tables, for `relearn model` and `relearn job`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.table import Table

from agents.stores.jobs import Job
from agents.stores.models import ModelRow
from scripts.tables import plain_table


def models_table(models: Sequence[ModelRow]) -> Table:
    """One row per model."""
    table = plain_table("version", "state", "examples", "out of fold", "activation", "created", "job", flowing=["job"])
    for one in models:
        table.add_row(
            str(one.version),
            one.state,
            str(one.examples),
            _share(one.metrics.get("accuracy")),
            "" if one.activation is None else str(one.activation),
            _time(one.created_at),
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
            one.state,
            trigger,
            "" if version is None else str(version),
            _time(one.queued_at),
            one.error or "",
        )
    return table


def outcome_lines(
    job: Job | None, model: ModelRow | None, workers: Sequence[Mapping[str, Any]] | None
) -> Iterator[str]:
    """What came of a command."""
    if job is not None:
        yield f"job {job.id}: {job.state}" + (f": {job.error}" if job.error else "")
    if model is not None:
        yield from model_lines(model)
    if job is not None and job.state == "promoted" and model is not None:
        yield f"  served by     {_served(model, workers)}"


def model_lines(model: ModelRow) -> Iterator[str]:
    """One model."""
    metrics = model.metrics
    yield f"model {model.version}: {model.state}"
    yield f"  examples      {model.examples}"
    yield (
        f"  out of fold   {_share(metrics.get('accuracy'))} right"
        f" (always {metrics.get('majority_class')!r}: {_share(metrics.get('majority'))})"
    )
    for label, counts in metrics.get("per_class", {}).items():
        yield f"    {label:<12}{counts['right']} of {counts['examples']} right, answered {counts['answered']} times"
    for label, count in metrics.get("set_aside", {}).items():
        yield f"    {label:<12}left out: {count} example, at least two are needed"
    yield f"  C             {metrics.get('c')}"
    if model.activation is not None and model.activated_at is not None:
        yield f"  activation    {model.activation}, {_time(model.activated_at)}"
    yield f"  created       {_time(model.created_at)} by job {model.job}"


def job_lines(job: Job) -> Iterator[str]:
    """One job."""
    yield f"job {job.id}: {job.command}, {job.state}" + (f": {job.error}" if job.error else "")
    yield "  reason        " + ", ".join(f"{name} {value}" for name, value in job.reason.items())
    if job.by is not None:
        yield f"  by            {job.by}"
    if job.version is not None or job.requested is not None:
        yield f"  model         {job.version or job.requested}"
    if job.champion is not None:
        yield f"  champion then {job.champion}"
    for name, at in (("queued", job.queued_at), ("started", job.started_at), ("ended", job.ended_at)):
        if at is not None:
            yield f"  {name:<14}{_time(at)}"


def _served(model: ModelRow, workers: Sequence[Mapping[str, Any]] | None) -> str:
    if workers is None:
        return "unknown: Redis doesn't answer"
    serving = [str(one["id"]) for one in workers if (one["activation"] or 0) >= (model.activation or 0)]
    late = [str(one["id"]) for one in workers if str(one["id"]) not in serving]
    told = ", ".join(serving) or "no score worker yet"
    return told + (f"; not yet by {', '.join(late)}" if late else "")


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _time(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
