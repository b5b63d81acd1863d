"""Scoring at once: what a program asks, and what the live model answers. Nothing is stored."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from relearn.schemas.http.operation import Operation, Version

MOST_ROWS = 10_000

Row = list[float] | dict[str, float]
Rows = Annotated[
    list[Row],
    Meta(
        min_length=1,
        max_length=MOST_ROWS,
        description="n records: d finite numbers in the schema's order, or an object by feature name.",
    ),
]


class PredictBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Records to score."""

    features: Rows


class PredictResult(Struct, frozen=True):
    """What one model says of n records."""

    model: Version
    labels: list[str]
    margins: Annotated[list[list[float]], Meta(description="n rows of 1 (two classes) or k numbers.")]
    confidence: Annotated[
        list[float | None], Meta(description="The chance that the label is right; null where it isn't known.")
    ]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "predict",
        "POST",
        "/v1/predict",
        "Scoring",
        "Score records at once, in this process. Nothing is stored.",
        body=PredictBody,
        example={"features": [[0.1, 2.5], [1.5, -0.25]]},
        answer=PredictResult,
        fails=("unavailable",),
    ),
)
