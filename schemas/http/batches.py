"""Batches: records that were sent under one name, what the models said of them, and how far they are reviewed."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from schemas.http.operation import Count, Operation, Page, PageQuery, Text, Time

#: Labels, models and reviews are counted over so many records of a batch, the newest.
COUNTED = 50_000


class BatchPath(Struct, frozen=True):
    """Which one."""

    id: Annotated[Text, Meta(description="The batch's name.")]


class Batch(Struct, frozen=True):
    """One batch, by what was stored of it so far."""

    batch: str
    records: Count
    first_at: Annotated[Time, Meta(description="When the broker had its first record.")]
    last_at: Annotated[Time, Meta(description="When the broker had its last record.")]


class BatchAlone(Batch, frozen=True):
    """One batch with what its records came to."""

    counted: Annotated[
        Count,
        Meta(description=f"Over so many records: those that are still kept, the newest {COUNTED:,} of more."),
    ]
    labels: Annotated[dict[str, int], Meta(description="Records by the label that was answered.")]
    models: Annotated[dict[str, int], Meta(description="Records by the version that answered.")]
    reviewed: Annotated[Count, Meta(description="Records of which somebody's label stands.")]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "batches",
        "GET",
        "/v1/batches",
        "Batches",
        "Batches; the one that got a record last comes first.",
        description="The latest of them are told by Redis, also while Postgres is away.",
        query=PageQuery,
        answer=Page[Batch],
        fails=("unavailable",),
    ),
    Operation(
        "batch",
        "GET",
        "/v1/batches/{id}",
        "Batches",
        "One batch: its records by label and by model, and how many of them are reviewed.",
        description="404 also for a batch that was sent a moment ago, of which nothing is stored yet.",
        path_type=BatchPath,
        answer=BatchAlone,
        fails=("not-found", "unavailable"),
    ),
)
