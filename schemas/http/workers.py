"""Workers: who is at work, with which model, and how far behind."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from relearn.schemas.http.operation import Count, Operation, Time


class Worker(Struct, frozen=True):
    """What one worker process said of itself last, a second ago or so; who is silent for ten seconds isn't listed."""

    id: str
    role: Annotated[str, Meta(description="score, store, feedback or retrain.")]
    condition: Annotated[str, Meta(description="`ready`, or what it waits for, in words.")]
    model: Annotated[int | None, Meta(description="The version that it answers with.")]
    activation: int | None
    shadow: Annotated[int | None, Meta(description="The version that answers beside it, unseen.")]
    partitions: Annotated[list[str], Meta(description="What it was given to read.", examples=[["relearn.ingest-0"]])]
    lag: Annotated[Count | None, Meta(description="Messages there that it hasn't processed; null: not known.")]
    rate: Annotated[float, Meta(description="Records a second.")]
    seen_at: Time


class Workers(Struct, frozen=True):
    """All of them, by role and id. They are never so many that they need pages."""

    items: list[Worker]
    next: None
    known: Annotated[bool, Meta(description="False: Redis is away, and nothing is known of any worker.")]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "list_workers",
        "GET",
        "/v1/workers",
        "Monitoring",
        "Who is at work, with which model, and how far behind.",
        description="Heartbeats live in Redis: while that is away the list is empty, and `known` is false.",
        answer=Workers,
    ),
)
