"""Scoring in the API process by the live model. Nothing is stored."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from relearn.schemas.features import MAX_WORDS_BYTES
from relearn.schemas.http.operation import Operation, Version

MOST_ROWS = 10_000

GivenValue = float | Annotated[str, Meta(max_length=MAX_WORDS_BYTES)] | None
Row = list[GivenValue] | dict[str, GivenValue]
Rows = Annotated[
    list[Row],
    Meta(
        min_length=1,
        max_length=MOST_ROWS,
        description="n records: each d values in the schema's order, or an object with a value per feature name. A "
        "value is a finite number, a string where the feature is a category, or null where it may be missing.",
    ),
]


class PredictBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Records to score."""

    features: Rows


class PredictResult(Struct, frozen=True):
    """Predictions of n records by one model."""

    model: Version
    labels: list[str]
    margins: Annotated[list[list[float]], Meta(description="n rows of 1 (two classes) or k numbers.")]
    confidence: Annotated[list[float | None], Meta(description="Probability that the label is right; null: not known.")]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "predict",
        "POST",
        "/v1/predict",
        "Scoring",
        "Score records synchronously in the API process. Nothing is stored.",
        body=PredictBody,
        example={"features": [[0.1, 2.5], [1.5, -0.25]]},
        answer=PredictResult,
        fails=("unavailable",),
    ),
)
