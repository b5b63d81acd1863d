"""Jobs: what was asked of the retrain role, and what came of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from relearn.schemas.http.operation import AcceptedCommand, Operation, Page, PageQuery, Text, Time
from relearn.schemas.messages.commands import Verb

State = Literal["queued", "running", "rejected", "shadow", "promoted", "skipped", "failed"]

FOLLOW = (
    "The answer's `id` is the job's. GET /v1/jobs/{id} is 404 until a retrain worker has taken it, a moment later; "
    "what comes of it stands there."
)


class Job(Struct, frozen=True):
    """One command and what came of it."""

    id: str
    command: Verb
    state: Annotated[State, Meta(description="Open: queued, running, shadow. `promoted`: it took effect.")]
    reason: Annotated[dict[str, Any], Meta(description="`trigger`, and the facts that it was asked for on.")]
    requested: Annotated[int | None, Meta(description="The version that an `activate` names.")]
    by: Annotated[str | None, Meta(description="Who asked; null where the policy did.")]
    version: Annotated[int | None, Meta(description="The model that it made or chose.")]
    champion: Annotated[int | None, Meta(description="The version that answered when it was judged.")]
    metrics: Annotated[
        dict[str, Any] | None, Meta(description="What it was trained on, how good it is, and how the gate judged it.")
    ]
    queued_at: Time
    started_at: Time | None
    ended_at: Time | None
    error: Annotated[str | None, Meta(description="Why it did not take effect.")]


class JobPath(Struct, frozen=True):
    """One job."""

    id: Text


class JobsQuery(PageQuery, frozen=True):
    """Which jobs."""

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
        "Train a model on all that is known now.",
        role="admin",
        description=f"{FOLLOW} While another training is open it is `skipped`.",
        answer=AcceptedCommand,
        status=202,
        fails=("unavailable",),
        idempotent=True,
    ),
)
