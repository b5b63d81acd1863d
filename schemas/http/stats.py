"""Totals, rates, the champion and its accuracy."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from relearn.schemas.http.accuracy import Accuracy
from relearn.schemas.http.jobs import OpenJob, ShadowJob
from relearn.schemas.http.operation import Count, Operation, Time

_Rate = Annotated[
    Annotated[float, Meta(ge=0)] | None, Meta(description="Records per second; null: Redis is unavailable.")
]


class Totals(Struct, frozen=True):
    """Totals since the beginning. Repeated reviews of one prediction count each."""

    records: Annotated[Count, Meta(description="Stored records.")]
    expired: Annotated[Count, Meta(description="Records skipped because they are older than the retention.")]
    dead_letters: Annotated[Count, Meta(description="Dead letters, redriven or not.")]
    reviews: Annotated[Count, Meta(description="Reviews: corrections, confirmations and withdrawals.")]
    corrections: Annotated[Count, Meta(description="Reviews with another label than the predicted one.")]
    confirmations: Annotated[Count, Meta(description="Reviews with the predicted label.")]


class Champion(Struct, frozen=True):
    """The live model."""

    version: int
    activation: int
    since: Time


class Latency(Struct, frozen=True):
    """Latency from the broker to the stored row, of the newest records."""

    n: Annotated[int, Meta(ge=1, description="Number of records.")]
    p50_ms: float
    p99_ms: float


class Stats(Struct, frozen=True):
    """Totals, rates and champion, at most a second old."""

    totals: Totals
    scored_per_s: _Rate
    stored_per_s: _Rate
    latency: Annotated[Latency | None, Meta(description="null before the first record.")]
    lag: Annotated[
        dict[str, int | None] | None,
        Meta(
            description="Unprocessed messages by role of the live workers; null: not known yet, or Redis is "
            "unavailable."
        ),
    ]
    champion: Annotated[Champion | None, Meta(description="null before the first model.")]
    accuracy: Annotated[Accuracy | None, Meta(description="null without audits of its predictions.")]
    models: Annotated[Count, Meta(description="Registered models in total.")]
    jobs: Annotated[Count, Meta(description="Jobs in total.")]
    open_job: OpenJob
    shadow_job: ShadowJob
    on_hold: Annotated[
        str | None, Meta(description="Text with the origin and time of the hold of automatic promotion; null: no hold.")
    ]
    drifted: Annotated[list[str], Meta(description="Names of the drifted features; `margin` for the margin.")]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "get_stats",
        "GET",
        "/v1/stats",
        "Stats",
        "Totals, rates, the champion and its accuracy.",
        answer=Stats,
        fails=("unavailable",),
    ),
)
