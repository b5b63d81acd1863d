"""Drift: whether live records are distributed as they were when the champion went live."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from relearn.schemas.http.operation import Count, Operation, Time, Version


class DriftHistogram(Struct, frozen=True):
    """Histograms of one feature, or of the margin: of the champion's first records, and of the last window.

    There is one bin more than edges. A bin holds values above its lower edge up to and including its upper edge; the
    first and the last bin are open. Of a text, what is compared is the share of its words that the model doesn't know.
    """

    name: str
    edges: Annotated[list[float], Meta(description="Ascending.")]
    levels: Annotated[
        list[str] | None,
        Meta(
            description="Of a category: the levels of the first bins; the next bin is of all others, and where it may"
            " be missing, the last one of records without it. Null: not a category."
        ),
    ]
    reference: Annotated[list[Count], Meta(description="Records in each bin, of the champion's first records.")]
    live: Annotated[
        list[Count] | None, Meta(description="Records in each bin, of the last window; null before the first window.")
    ]
    psi: Annotated[
        float | None,
        Meta(description="Population stability index minus its expectation: about 0 or below without drift."),
    ]
    p: Annotated[float | None, Meta(description="Probability of a difference at least as large without drift.")]
    shifted: Annotated[bool, Meta(description="Whether the last window alone exceeds the limits.")]
    windows: Annotated[Count, Meta(description="Number of consecutive windows that exceed the limits, up to the last.")]
    drifted: Annotated[bool, Meta(description="Whether enough consecutive windows exceed the limits.")]


class DriftWindow(Struct, frozen=True):
    """The last window of records that was compared."""

    number: Annotated[Count, Meta(description="Number of the window since the champion went live, from 1.")]
    at: Time
    records: Count


class DriftLimits(Struct, frozen=True):
    """The limits: drifted means PSI at least `psi` and p below `p` in `windows` consecutive windows."""

    psi: float
    p: float
    windows: Count
    reference_records: Count
    window_records: Count


class Drift(Struct, frozen=True):
    """Drift of the current champion."""

    state: Annotated[
        Literal["no champion", "gathering", "watching"],
        Meta(description="`gathering`: the reference, the champion's first records, isn't complete yet."),
    ]
    activation: int | None
    model: Version | None
    drifted: Annotated[list[str], Meta(description="Names of the drifted features; `margin` for the margin.")]
    features: list[DriftHistogram]
    margin: DriftHistogram | None
    window: DriftWindow | None
    gathered: Annotated[
        Count | None,
        Meta(
            description="Number of records gathered so far: of `reference_records` while gathering, then of the next "
            "window's `window_records`. Null: no champion."
        ),
    ]
    limits: DriftLimits
    updated_at: Time | None


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "get_drift",
        "GET",
        "/v1/drift",
        "Monitoring",
        "Drift of each feature and of the margin since the champion went live, with both histograms.",
        answer=Drift,
        fails=("unavailable",),
    ),
)
