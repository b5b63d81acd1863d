"""The whole in numbers: what was stored, how fast it goes, who answers, and how often it is right."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from relearn.schemas.http.accuracy import Accuracy
from relearn.schemas.http.operation import Count, Operation, Time

_Rate = Annotated[
    Annotated[float, Meta(ge=0)] | None, Meta(description="Records a second now; null: Redis doesn't tell.")
]


class Totals(Struct, frozen=True):
    """From the beginning. Statements about the same prediction count each."""

    records: Annotated[Count, Meta(description="Stored, each once.")]
    expired: Annotated[Count, Meta(description="Left out, being older than what is kept.")]
    dead_letters: Annotated[Count, Meta(description="Records that could not be used, sent again or not.")]
    reviews: Annotated[Count, Meta(description="Statements of all kinds: the next two, and what was taken back.")]
    corrections: Annotated[Count, Meta(description="Statements that say another label than the prediction's.")]
    confirmations: Annotated[Count, Meta(description="Statements that say the same label.")]


class Champion(Struct, frozen=True):
    """The model that answers."""

    version: int
    activation: int
    since: Time


class Latency(Struct, frozen=True):
    """How long records took from the broker to their row, in ms: of the newest that are stored."""

    n: Annotated[int, Meta(ge=1, description="Of so many records.")]
    p50_ms: float
    p99_ms: float


class Stats(Struct, frozen=True):
    """As it was a second ago or less."""

    totals: Totals
    scored_per_s: _Rate
    stored_per_s: _Rate
    latency: Annotated[Latency | None, Meta(description="null before the first record.")]
    lag: Annotated[
        dict[str, int | None] | None,
        Meta(
            description="Messages that aren't processed, by role of the workers that are alive; null: not known, of a"
            " role for a moment, of all while Redis doesn't tell."
        ),
    ]
    champion: Annotated[Champion | None, Meta(description="null before the first model.")]
    accuracy: Annotated[Accuracy | None, Meta(description="null where none of its records was audited.")]
    models: Annotated[Count, Meta(description="Models that were ever registered.")]
    jobs: Annotated[Count, Meta(description="Jobs that were ever asked for.")]
    open_job: Annotated[str | None, Meta(description="The training that is queued, runs, or has a shadow.")]
    on_hold: Annotated[str | None, Meta(description="Who holds automatic promotion, and since when; null: nobody.")]
    drifted: Annotated[
        list[str], Meta(description="Features, or `margin`, that differ from the champion's first records.")
    ]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "get_stats",
        "GET",
        "/v1/stats",
        "Stats",
        "The whole in numbers: totals, rates, the champion and how often it is right.",
        answer=Stats,
        fails=("unavailable",),
    ),
)
