"""How often a model is right on the live stream."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from relearn.schemas.http.operation import Count


class Accuracy(Struct, frozen=True):
    """How often a model is right, estimated from its audits alone: which records those are, nobody chose."""

    n: Annotated[int, Meta(ge=1, description="Reviews by audit, one per prediction.")]
    right: Annotated[Count, Meta(description="Those that confirm the prediction.")]
    estimate: Annotated[float, Meta(description="Their share.")]
    low: Annotated[float, Meta(description="With 95 % confidence it isn't lower (Wilson's interval).")]
    high: Annotated[float, Meta(description="Nor higher.")]
