"""Feedback on predictions, and its outcome: sent here, stored by the feedback worker in a moment."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from relearn.schemas.http.operation import Operation, PlaceText, Text, Time
from relearn.schemas.messages.feedback import Via

MOST_STATEMENTS = 1_000
_MAX_NUMBER = 2**53

Name = Annotated[str, Meta(min_length=1, max_length=256, pattern=r"^[^\x00]*$")]
#: A class: its name, or a number that is read as its string (integral ones without a point).
Label = Name | Annotated[int, Meta(ge=-_MAX_NUMBER, le=_MAX_NUMBER)] | float | None

_LABEL = Meta(description="The right label: the prediction's own confirms it; null takes back what this reviewer said.")
_ID = Meta(description="Makes it idempotent: the same id again changes nothing. Made where none is given.")
_REVIEWER = Meta(description="Who says so. With a key it is the key's name, whatever stands here.")
_VIA = Meta(
    description="How the record came to be reviewed. The server goes by how it served it; of what it is told here only "
    "`volunteer` counts."
)


class FeedbackItem(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is said of one prediction, named by its id or by the producer's own id of the record; the former counts."""

    label: Annotated[Label, _LABEL]
    prediction: PlaceText | None = None
    record: Annotated[
        Name | None, Meta(description="The producer's own id of a record: its newest prediction is meant.")
    ] = None
    id: Annotated[Name | None, _ID] = None
    reviewer: Annotated[Name | None, _REVIEWER] = None
    via: Annotated[Via | None, _VIA] = None
    comment: Text | None = None

    def __post_init__(self) -> None:
        if self.prediction is None and self.record is None:
            raise ValueError("neither `prediction` nor `record` says what it is about")


class FeedbackBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One statement, or `feedback` alone: many."""

    feedback: (
        Annotated[list[FeedbackItem], Meta(min_length=1, max_length=MOST_STATEMENTS, description="Many at once.")]
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
            self.statements()
        elif self.label is not UNSET or any(one is not None for one in alone):
            raise ValueError("either `feedback` alone, or one statement")

    def statements(self) -> list[FeedbackItem]:
        """All of them."""
        if self.feedback is not UNSET:
            return self.feedback
        if self.label is UNSET:
            raise ValueError("there is no `label`; null takes back what was said")
        told = {name: getattr(self, name) for name in ("prediction", "record", "id", "reviewer", "via", "comment")}
        return [FeedbackItem(label=self.label, **told)]


class AcceptedFeedback(Struct, frozen=True):
    """The broker has it; what comes of it can be asked for by these ids."""

    ids: Annotated[list[str], Meta(description="The id of each statement, in the order given.")]
    id: Annotated[str | UnsetType, Meta(description="The same where one statement was sent alone.")] = UNSET


class FeedbackPath(Struct, frozen=True):
    """Which one."""

    id: Annotated[Text, Meta(description="The id that it was sent with.")]


class RecordedFeedback(Struct, frozen=True, tag_field="state", tag="recorded"):
    """It was written down, with what it is about."""

    id: str
    prediction: PlaceText
    predicted: Annotated[str, Meta(description="What the model had answered.")]
    label: Annotated[str | None, Meta(description="null takes back what this reviewer said.")]
    reviewer: str | None
    via: Via
    comment: str | None
    record: Annotated[str | None, Meta(description="The producer's id of the record, where it was named by that.")]
    at: Annotated[Time, Meta(description="When Kafka had it.")]
    stored_at: Time
    superseded_by: Annotated[
        str | None,
        Meta(
            description="The feedback that counts in its place: the same reviewer's last word on that prediction, else"
            " the latest of all reviewers' labels; null where this one counts."
        ),
    ]


class WaitingFeedback(Struct, frozen=True, tag_field="state", tag="waiting"):
    """What it is about isn't stored yet. It is looked for until it waited too long, and becomes a dead letter then."""

    id: str
    prediction: PlaceText | None
    record: str | None
    label: str | None
    reviewer: str | None
    via: Via
    at: Time
    since: Time


class DeadFeedback(Struct, frozen=True, tag_field="state", tag="dead-letter"):
    """It could not be used."""

    id: str
    dead_letter: Annotated[int, Meta(description="The dead letter's id.")]
    reason: str
    error: str
    at: Time
    redriven_at: Annotated[Time | None, Meta(description="When it was sent again, if it was.")]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "create_feedback",
        "POST",
        "/v1/feedback",
        "Feedback",
        "Say whether predictions are right.",
        role="review",
        description=(
            "Answered when Kafka has acknowledged it. At least once: after a 503 some may have been taken all the same "
            "(`taken`, where it is there, says which certainly were); the same ids sent again change nothing."
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
        "Reviewing",
        "What became of feedback that was sent.",
        description="Recorded, waiting for its prediction, or a dead letter. 404 also for what was sent a moment ago"
        " and isn't read yet; what expires is for a moment neither waiting nor a dead letter.",
        path_type=FeedbackPath,
        answer=RecordedFeedback | WaitingFeedback | DeadFeedback,
        fails=("not-found", "unavailable"),
    ),
)
