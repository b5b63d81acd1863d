"""Workers: their condition, model, partitions and lag."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from relearn.schemas.http.operation import Count, Operation, Time


class WorkerNotice(Struct, frozen=True):
    """Something that is wrong with a worker that goes on."""

    code: Annotated[str, Meta(description="A constant word.", examples=["retrying"])]
    detail: Annotated[str, Meta(description="For display.")]
    since: Time


class Worker(Struct, frozen=True):
    """The last heartbeat of a worker process, sent every second; after ten seconds without one it isn't listed."""

    id: str
    role: Annotated[str, Meta(description="score, store, feedback or retrain.")]
    condition: Annotated[str, Meta(description="`ready`, or what the worker waits for, as text.")]
    model: Annotated[int | None, Meta(description="Version of its live model.")]
    activation: int | None
    shadow: Annotated[int | None, Meta(description="Version of its shadow model.")]
    schema: Annotated[int | None, Meta(description="The newest version of the features that it knows.")]
    partitions: Annotated[list[str], Meta(description="Its assigned partitions.", examples=[["relearn.ingest-0"]])]
    lag: Annotated[Count | None, Meta(description="Unprocessed messages of its partitions; null: not known.")]
    rate: Annotated[float, Meta(description="Records per second.")]
    skipped: Annotated[Count, Meta(description="Tombstones that it has skipped since its start.")]
    unseen: Annotated[
        Count,
        Meta(description="Levels of categories, since its start, for which the model has no weight of their own."),
    ]
    ignored: Annotated[
        Count, Meta(description="Values of features that were retired, in records since its start: they are ignored.")
    ]
    notices: Annotated[list[WorkerNotice], Meta(description="What is wrong with it, oldest first.")]
    seen_at: Time


class MissingWorkers(Struct, frozen=True):
    """A role of which fewer workers are alive than `RELEARN_EXPECTED_WORKERS` names."""

    role: str
    expected: Count
    seen: Count


class Workers(Struct, frozen=True):
    """All workers, by role and id. The list has no pages."""

    items: list[Worker]
    missing: Annotated[
        list[MissingWorkers], Meta(description="Workers that should run and sent no heartbeat in the last ten seconds.")
    ]
    next: None
    known: Annotated[bool, Meta(description="False: Redis is unavailable, so that no worker is known.")]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "list_workers",
        "GET",
        "/v1/workers",
        "Monitoring",
        "Workers with their condition, notices, model, partitions and lag.",
        description="Heartbeats are read from Redis: while Redis is unavailable the list is empty and `known` is "
        "false.",
        answer=Workers,
    ),
)
