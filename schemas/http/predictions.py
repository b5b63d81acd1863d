"""Stored predictions: lists of them, one with its explanation, and what was said of it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from relearn.schemas.http.operation import Operation, Page, PageQuery, PlaceText, Text, Time, Version
from relearn.schemas.messages.feedback import Via

#: So many records are looked at for one page.
LOOKED = 20_000


class PredictionPath(Struct, frozen=True):
    """Which one."""

    id: PlaceText


class PredictionsQuery(PageQuery, frozen=True):
    """Which ones. Without a filter: all."""

    batch: Annotated[Text | None, Meta(description="Of this batch.")] = None
    model: Annotated[Version | None, Meta(description="Answered by this version.")] = None
    label: Annotated[Text | None, Meta(description="Answered with this label.")] = None
    reviewed: Annotated[bool | None, Meta(description="Whether somebody's label of it stands.")] = None


class Review(Struct, frozen=True):
    """What somebody says of a prediction now. A label equal to the prediction's confirms it, another corrects it."""

    label: str
    reviewer: str | None
    at: Annotated[Time, Meta(description="When Kafka had it: of several reviews the latest counts.")]
    via: Annotated[Via, Meta(description="How the record came to be reviewed.")]
    feedback: Annotated[str, Meta(description="The id of the feedback that said so.")]


class Prediction(Struct, frozen=True):
    """One record and what the model answered. Times: when the broker had it, when it was scored, when it was stored."""

    prediction: PlaceText
    id: Annotated[str | None, Meta(description="The producer's own.")]
    subject: str | None
    batch: str | None
    features: Annotated[list[float], Meta(description="In the order of the model's feature names.")]
    label: str
    margins: Annotated[list[float], Meta(description="1 (two classes) or k numbers.")]
    confidence: Annotated[float | None, Meta(description="The chance that the label is right; null: not known.")]
    model: Annotated[int, Meta(description="The version that answered.")]
    activation: int
    ingested_at: Time
    scored_at: Time
    stored_at: Time
    review: Annotated[Review | None, Meta(description="The one that counts; null where nobody's label stands.")]


class Contribution(Struct, frozen=True):
    """What one feature adds to the margin."""

    feature: str
    value: float
    contribution: float


class PredictionDetail(Prediction, frozen=True):
    """One prediction, why it was made, and all that is said of it."""

    context: Annotated[str | None, Meta(description="Text for the reviewer's eyes.")]
    contributions: Annotated[
        list[Contribution] | None,
        Meta(description="In the order of the features; null where the model that answered isn't in the registry."),
    ]
    base: Annotated[float | None, Meta(description="The margin of a record that is average in every feature.")]
    reviews: Annotated[list[Review], Meta(description="Each reviewer's standing label, oldest first.")]
    disputed: Annotated[bool, Meta(description="Whether reviewers say different labels.")]


class PredictionFeedback(Struct, frozen=True):
    """What somebody said once."""

    feedback: Annotated[str, Meta(description="The id that it was sent with.")]
    label: Annotated[str | None, Meta(description="null takes back what this reviewer said.")]
    reviewer: str | None
    via: Via
    comment: str | None
    at: Annotated[Time, Meta(description="When Kafka had it.")]
    superseded_by: Annotated[
        str | None,
        Meta(
            description="The feedback that counts in its place: the same reviewer's last word, else the latest of"
            " all reviewers' labels; null where this one counts."
        ),
    ]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "list_predictions",
        "GET",
        "/v1/predictions",
        "Predictions",
        "Stored predictions, newest first.",
        description=f"Filters may be combined. A request looks at {LOOKED:,} records at most (with `reviewed=true` and"
        " no batch: at as many statements). Where few of them match, the page is shorter than `limit`, even empty,"
        " and `next` goes on after the last that was looked at: the list ends where `next` is null.",
        query=PredictionsQuery,
        answer=Page[Prediction],
        fails=("unavailable",),
    ),
    Operation(
        "get_prediction",
        "GET",
        "/v1/predictions/{id}",
        "Predictions",
        "One prediction with its explanation and its reviews.",
        description="`base` and all contributions together are the margin: wᵢ(xᵢ - meanᵢ) and w·mean + b of the"
        " version that answered, mean being that of the examples it was trained on. Two classes: above 0 speaks for"
        " the second. More: the margin of the label that won, among `margins` in the order of the model's classes."
        " 404 also for what was sent a moment ago and isn't stored yet.",
        path_type=PredictionPath,
        answer=PredictionDetail,
        fails=("not-found", "unavailable"),
    ),
    Operation(
        "list_prediction_feedback",
        "GET",
        "/v1/predictions/{id}/feedback",
        "Predictions",
        "Everything that was ever said of one prediction, what came last first.",
        description="It outlives the prediction, which is dropped when it is too old.",
        path_type=PredictionPath,
        query=PageQuery,
        answer=Page[PredictionFeedback],
        fails=("not-found", "unavailable"),
    ),
)
