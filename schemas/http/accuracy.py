"""How often a model is right on the live stream."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from relearn.schemas.http.operation import Count


class Accuracy(Struct, frozen=True):
    """How often a model is right, estimated from its audits alone: records that were chosen at random."""

    n: Annotated[int, Meta(ge=1, description="Reviews by audit, one per prediction.")]
    right: Annotated[Count, Meta(description="Audits that confirm the prediction.")]
    estimate: Annotated[float, Meta(description="`right` / `n`.")]
    low: Annotated[float, Meta(description="Lower limit of the 95 % interval (Wilson).")]
    high: Annotated[float, Meta(description="Upper limit of the 95 % interval (Wilson).")]
