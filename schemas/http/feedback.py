"""Feedback on predictions and its state: sent here, recorded by the feedback worker."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from relearn.schemas.http.operation import NO_NUL, Operation, PlaceText, Text, Time
from relearn.schemas.messages.feedback import Via

MOST_STATEMENTS = 1_000

Name = Annotated[str, Meta(min_length=1, max_length=256, pattern=NO_NUL)]
#: A class: its name, or a number that is converted to its string. `relearn.schemas.labels` reads it.
Label = Annotated[str, Meta(min_length=1)] | int | float | None

_LABEL = Meta(
    description="The right label: the predicted label confirms it; null withdraws the reviewer's review. At most 256 "
    "bytes, read without spaces and invisible characters at its ends, in Unicode's form NFC; a number is its shortest "
    "text, an integral one without a decimal point."
)
_ID = Meta(
    description="Makes the feedback idempotent: sent again under its id it changes nothing. Ids are unique per "
    "sender: an API key, or a reviewer where no key is needed. Other feedback under a used id becomes a dead letter. "
    "Generated if missing."
)
_REVIEWER = Meta(description="The reviewer's name. Requests with a key are recorded under the key's name.")
_VIA = Meta(
    description="How the record came to be reviewed. The server records how it served the record; of values sent "
    "here it uses only `volunteer`."
)


class FeedbackItem(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Feedback on one prediction, named by its id or by the producer's id of the record; the former has precedence."""

    label: Annotated[Label, _LABEL]
    prediction: PlaceText | None = None
    record: Annotated[
        Name | None, Meta(description="The producer's own id of a record: names its newest prediction.")
    ] = None
    id: Annotated[Name | None, _ID] = None
    reviewer: Annotated[Name | None, _REVIEWER] = None
    via: Annotated[Via | None, _VIA] = None
    comment: Text | None = None

    def __post_init__(self) -> None:
        if self.prediction is None and self.record is None:
            raise ValueError("`prediction` or `record` is required")


class FeedbackBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Feedback on one prediction, or `feedback` alone with a list."""

    feedback: (
        Annotated[
            list[FeedbackItem],
            Meta(min_length=1, max_length=MOST_STATEMENTS, description="Feedback on several predictions."),
        ]
        | UnsetType
    ) = UNSET
    label: Annotated[Label | UnsetType, _LABEL] = UNSET
    prediction: PlaceText | None = None
    record: Name | None = None
    id: Annotated[Name | None, _ID] = None
    reviewer: Annotated[Name | None, _REVIEWER] = None
    via: Annotated[Via | None, _VIA] = None
    comment: Text | None = None

    def __post_init__(self) -> None:
        alone = (self.prediction, self.record, self.id, self.reviewer, self.via, self.comment)
        if self.feedback is UNSET:
            self.items()
        elif self.label is not UNSET or any(one is not None for one in alone):
            raise ValueError("`feedback` can't be combined with other fields")

    def items(self) -> list[FeedbackItem]:
        """The feedback on each prediction, in the order sent."""
        if self.feedback is not UNSET:
            return self.feedback
        if self.label is UNSET:
            raise ValueError("`label` is required; null withdraws the review")
        told = {name: getattr(self, name) for name in ("prediction", "record", "id", "reviewer", "via", "comment")}
        return [FeedbackItem(label=self.label, **told)]


class AcceptedFeedback(Struct, frozen=True):
    """The broker has acknowledged the feedback; `GET /v1/feedback/{id}` returns its state."""

    ids: Annotated[list[str], Meta(description="The ids of the feedback, in the order sent.")]
    id: Annotated[str | UnsetType, Meta(description="The id where one feedback was sent without a list.")] = UNSET


class FeedbackPath(Struct, frozen=True):
    """One feedback."""

    id: Annotated[Text, Meta(description="The id of the feedback.")]


class FeedbackQuery(Struct, frozen=True):
    """The sender, where several have used the id."""

    reviewer: Annotated[
        Name | None,
        Meta(description="The reviewer who sent it. Without this: the caller's own feedback, else the only sender's."),
    ] = None


class RecordedFeedback(Struct, frozen=True, tag_field="state", tag="recorded"):
    """The feedback is recorded on its prediction."""

    id: str
    prediction: PlaceText
    predicted: Annotated[str, Meta(description="The predicted label.")]
    label: Annotated[str | None, Meta(description="null withdraws the reviewer's review.")]
    reviewer: str | None
    via: Via
    comment: str | None
    record: Annotated[str | None, Meta(description="The producer's id of the record, if the feedback named it.")]
    at: Annotated[Time, Meta(description="When Kafka appended it.")]
    stored_at: Time
    superseded_by: Annotated[
        str | None,
        Meta(
            description="The feedback that counts instead: the same reviewer's latest on this prediction, else the "
            "latest of all reviewers; null: this one counts."
        ),
    ]


class WaitingFeedback(Struct, frozen=True, tag_field="state", tag="waiting"):
    """The prediction isn't stored yet. The feedback waits for it, and becomes a dead letter after a time limit."""

    id: str
    prediction: PlaceText | None
    record: str | None
    label: str | None
    reviewer: str | None
    via: Via
    at: Time
    since: Time


class DeadFeedback(Struct, frozen=True, tag_field="state", tag="dead-letter"):
    """The feedback could not be used."""

    id: str
    dead_letter: Annotated[int, Meta(description="The dead letter's id.")]
    reason: str
    error: str
    at: Time
    redriven_at: Annotated[Time | None, Meta(description="When it was redriven; null: it was not.")]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "create_feedback",
        "POST",
        "/v1/feedback",
        "Feedback",
        "Confirm or correct predictions.",
        role="review",
        description=(
            "The answer is sent when Kafka has acknowledged the feedback. Delivery is at least once: after a 503 "
            "some may have been accepted (`taken`, where present, lists those that certainly were); ids sent again "
            "change nothing."
        ),
        body=FeedbackBody,
        example={"prediction": "2-10481-0", "label": "malignant", "reviewer": "ann"},
        answer=AcceptedFeedback,
        status=202,
        idempotent=True,
    ),
    Operation(
        "get_feedback",
        "GET",
        "/v1/feedback/{id}",
        "Feedback",
        "The state of feedback that was sent.",
        description="Recorded, waiting for its prediction, or a dead letter. 404 also until a feedback worker has "
        "read it, and briefly while waiting feedback expires and becomes a dead letter. 409: several senders used the "
        "id, and `reviewer` names none of them.",
        path_type=FeedbackPath,
        query=FeedbackQuery,
        answer=RecordedFeedback | WaitingFeedback | DeadFeedback,
        fails=("not-found", "conflict", "unavailable"),
    ),
)
