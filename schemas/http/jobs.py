"""Jobs: the commands of the retrain role and their results."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from relearn.schemas.http.operation import AcceptedCommand, Operation, Page, PageQuery, Text, Time, described_by
from relearn.schemas.http.training_metrics import JobMetrics, Reason
from relearn.schemas.messages.commands import Verb

Facts = Annotated[dict[str, Any], described_by(Reason)]
OpenJob = Annotated[str | None, Meta(description="The job of the training that is queued or runs; null: none.")]
ShadowJob = Annotated[
    str | None, Meta(description="The job whose model is the shadow now; it prevents no training. Null: none.")
]
State = Literal["queued", "running", "rejected", "shadow", "superseded", "promoted", "skipped", "failed"]

FOLLOW = (
    "The answer's `id` is the job's. `GET /v1/jobs/{id}` returns 404 until a retrain worker has read the command, then "
    "the job's state and result."
)


class Job(Struct, frozen=True):
    """One command and its result."""

    id: str
    command: Verb
    state: Annotated[State, Meta(description="Open: queued, running, shadow. `promoted`: it took effect.")]
    reason: Facts
    requested: Annotated[int | None, Meta(description="The version named by an `activate` command.")]
    by: Annotated[str | None, Meta(description="The caller's name; null: the policy.")]
    version: Annotated[int | None, Meta(description="The model that the job trained or activated.")]
    champion: Annotated[int | None, Meta(description="The champion's version when the gate decided.")]
    metrics: Annotated[
        Annotated[dict[str, Any], described_by(JobMetrics)] | None,
        Meta(description="Of a training that made a model; null: no model."),
    ]
    queued_at: Time
    started_at: Time | None
    ended_at: Time | None
    error: Annotated[str | None, Meta(description="Why the job did not take effect.")]


class JobPath(Struct, frozen=True):
    """One job."""

    id: Text


class JobsQuery(PageQuery, frozen=True):
    """Filters of the list."""

    state: State | None = None
    command: Verb | None = None


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "list_jobs",
        "GET",
        "/v1/jobs",
        "Models",
        "Jobs, the newest first.",
        query=JobsQuery,
        answer=Page[Job],
        fails=("unavailable",),
    ),
    Operation(
        "get_job",
        "GET",
        "/v1/jobs/{id}",
        "Models",
        "One job.",
        path_type=JobPath,
        answer=Job,
        fails=("not-found", "unavailable"),
    ),
    Operation(
        "train_model",
        "POST",
        "/v1/jobs",
        "Models",
        "Train a model on all examples known now.",
        role="admin",
        description=f"{FOLLOW} While another training is open the job is `skipped`.",
        answer=AcceptedCommand,
        status=202,
        fails=("unavailable",),
        idempotent=True,
    ),
)
