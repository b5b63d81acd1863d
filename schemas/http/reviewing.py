"""What became of feedback, and what each reviewer says."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from relearn.schemas.http.operation import Count, Operation, Page, PageQuery, PlaceText, Text, Time
from relearn.schemas.messages.feedback import Via

#: Agreement is told of so many statements, the latest of all.
COMPARED = 20_000


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


class Reviewer(Struct, frozen=True):
    """What one reviewer said in all, in statements. A later one about the same prediction takes nothing off here."""

    reviewer: Annotated[str | None, Meta(description="null: whoever gave no name.")]
    said: Count
    corrections: Annotated[Count, Meta(description="Another label than the prediction's.")]
    confirmations: Annotated[Count, Meta(description="The same label.")]
    withdrawals: Annotated[Count, Meta(description="What was said before, taken back.")]
    first_at: Time
    last_at: Time
    compared: Annotated[
        Count, Meta(description="Standing labels of others on the predictions that this reviewer labelled too.")
    ]
    agreed: Annotated[Count, Meta(description="Those of them that are the same label.")]
    agreement: Annotated[float | None, Meta(description="Their share; null where nobody else said anything.")]


OPERATIONS: tuple[Operation, ...] = (
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
    Operation(
        "list_reviewers",
        "GET",
        "/v1/reviewers",
        "Reviewing",
        "Who reviews, and how much they agree; who spoke last comes first.",
        description=f"What was said is counted from the beginning. Agreement is that among the latest {COMPARED:,}"
        " statements of all reviewers, where several of them labelled the same prediction.",
        query=PageQuery,
        answer=Page[Reviewer],
        fails=("unavailable",),
    ),
)
