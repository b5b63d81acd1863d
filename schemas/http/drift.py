"""Drift: whether live records still look as they did when the champion went live."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from relearn.schemas.http.operation import Count, Operation, Time, Version


class DriftHistogram(Struct, frozen=True):
    """How one feature, or the margin, spreads over bins: among the champion's first records, and in the last window.

    There is one bin more than edges. A bin holds what lies above its lower edge and up to its upper one; the outer ones
    are open.
    """

    name: str
    edges: Annotated[list[float], Meta(description="Ascending.")]
    reference: Annotated[list[Count], Meta(description="Records in each bin, of the champion's first.")]
    live: Annotated[list[Count] | None, Meta(description="The same of the last window; null before the first.")]
    psi: Annotated[
        float | None,
        Meta(description="Population stability index less its expectation: about 0 or below without drift."),
    ]
    p: Annotated[float | None, Meta(description="The chance of such a spread, or a stranger one, without drift.")]
    shifted: Annotated[bool, Meta(description="In the last window alone.")]
    windows: Annotated[Count, Meta(description="So many windows in a row it has shifted.")]
    drifted: Annotated[bool, Meta(description="In enough windows in a row.")]


class DriftWindow(Struct, frozen=True):
    """The last records that were compared."""

    number: Annotated[Count, Meta(description="The how many-th of this champion's.")]
    at: Time
    records: Count


class DriftLimits(Struct, frozen=True):
    """When something has drifted: PSI at least `psi`, and p below `p`, in so many `windows` in a row."""

    psi: float
    p: float
    windows: Count
    reference_records: Count
    window_records: Count


class Drift(Struct, frozen=True):
    """The watch of the champion that answers now."""

    state: Annotated[
        Literal["no champion", "gathering", "watching"],
        Meta(description="`gathering`: it hasn't yet answered the records that later ones are compared with."),
    ]
    activation: int | None
    model: Version | None
    drifted: Annotated[list[str], Meta(description="What has drifted, by name.")]
    features: list[DriftHistogram]
    margin: DriftHistogram | None
    window: DriftWindow | None
    gathered: Annotated[
        Count | None,
        Meta(
            description="So many records have come for what is looked at next: while gathering of "
            "`reference_records`, then of the next window's. Null: no champion."
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
        "How far each feature and the margin have drifted since the champion went live, with both histograms.",
        answer=Drift,
        fails=("unavailable",),
    ),
)
