"""Stored predictions: the list, one with its explanation, and its feedback."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from relearn.schemas.features import Value
from relearn.schemas.http.operation import Operation, Page, PageQuery, PlaceText, Text, Time, Version
from relearn.schemas.messages.feedback import Via

#: Maximum number of records that are read for one page.
LOOKED = 20_000


class PredictionPath(Struct, frozen=True):
    """One prediction."""

    id: PlaceText


class PredictionsQuery(PageQuery, frozen=True):
    """Filters of the list. Without a filter: all."""

    batch: Annotated[Text | None, Meta(description="Predictions of this batch.")] = None
    model: Annotated[Version | None, Meta(description="Predictions by this model version.")] = None
    label: Annotated[Text | None, Meta(description="Predictions with this label.")] = None
    reviewed: Annotated[bool | None, Meta(description="Whether the prediction has a review.")] = None


class Review(Struct, frozen=True):
    """A reviewer's current label of a prediction. The predicted label confirms it, another one corrects it."""

    label: str
    reviewer: str | None
    at: Annotated[Time, Meta(description="Kafka's time: of several reviews the latest counts.")]
    via: Annotated[Via, Meta(description="How the record came to be reviewed.")]
    feedback: Annotated[str, Meta(description="The id of its feedback.")]


class Prediction(Struct, frozen=True):
    """One record and its prediction."""

    prediction: PlaceText
    id: Annotated[str | None, Meta(description="The producer's own id of the record.")]
    subject: str | None
    batch: str | None
    features: Annotated[list[Value], Meta(description="In the order of the model's features; null: missing.")]
    label: str
    margins: Annotated[list[float], Meta(description="1 (two classes) or k numbers.")]
    confidence: Annotated[float | None, Meta(description="Probability that the label is right; null: not known.")]
    model: Annotated[int, Meta(description="The version of the model that scored it.")]
    activation: int
    ingested_at: Annotated[Time, Meta(description="When the broker appended the record.")]
    scored_at: Time
    stored_at: Time
    review: Annotated[Review | None, Meta(description="The review that counts; null without a review.")]


class WordContribution(Struct, frozen=True):
    """What a word of a text, or two neighbouring words, add to the margin."""

    word: str
    contribution: float


class Contribution(Struct, frozen=True, omit_defaults=True):
    """The contribution of one feature to the margin."""

    feature: str
    value: Value
    contribution: float
    words: Annotated[
        list[WordContribution] | None,
        Meta(
            description="Of a text: the words that add or take most, up to 50, in lower case. The feature's own is less"
            " what the average text adds."
        ),
    ] = None


class PredictionDetail(Prediction, frozen=True):
    """One prediction with its explanation and all its reviews."""

    context: Annotated[str | None, Meta(description="Text shown to reviewers.")]
    contributions: Annotated[
        list[Contribution] | None,
        Meta(description="In the order of the features; null if the model isn't in the registry."),
    ]
    base: Annotated[float | None, Meta(description="The margin of a record with the mean value of every feature.")]
    reviews: Annotated[list[Review], Meta(description="The current review of each reviewer, oldest first.")]
    disputed: Annotated[bool, Meta(description="Whether reviewers gave different labels.")]


class PredictionFeedback(Struct, frozen=True):
    """One review, correction or withdrawal of a prediction, as it was sent."""

    feedback: Annotated[str, Meta(description="The id of the feedback.")]
    label: Annotated[str | None, Meta(description="null withdraws the reviewer's review.")]
    reviewer: str | None
    via: Via
    comment: str | None
    at: Annotated[Time, Meta(description="When Kafka appended it.")]
    superseded_by: Annotated[
        str | None,
        Meta(
            description="The feedback that counts instead: the same reviewer's latest, else the latest of all "
            "reviewers; null: this one counts."
        ),
    ]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "list_predictions",
        "GET",
        "/v1/predictions",
        "Predictions",
        "Stored predictions, newest first.",
        description=f"Filters may be combined. A request reads at most {LOOKED:,} records (with `reviewed=true` and "
        f"without a batch: at most {LOOKED:,} reviews). If few of them match, the page is shorter than `limit` or "
        "empty, and `next` continues after the last record read: the list ends where `next` is null.",
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
        description="`base` and all contributions sum to the margin: base = w·mean + b and contribution = wᵢ(xᵢ - "
        "meanᵢ) of the model that scored the record, mean over its training examples. Two classes: a margin above 0 "
        "means the second class. More classes: the margin of the predicted label, among `margins` in the order of "
        "the model's classes. 404 also until the prediction is stored.",
        path_type=PredictionPath,
        answer=PredictionDetail,
        fails=("not-found", "unavailable"),
    ),
    Operation(
        "list_prediction_feedback",
        "GET",
        "/v1/predictions/{id}/feedback",
        "Predictions",
        "All feedback on one prediction, the newest first.",
        description="Feedback is kept longer than the prediction, which is dropped at the end of its retention.",
        path_type=PredictionPath,
        query=PageQuery,
        answer=Page[PredictionFeedback],
        fails=("not-found", "unavailable"),
    ),
)
