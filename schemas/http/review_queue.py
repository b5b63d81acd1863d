"""The review queue: what a reviewer is asked about next."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from relearn.schemas.http.operation import Count, Operation, PlaceText, Time, Version
from relearn.schemas.messages.feedback import Via

MOST_ITEMS = 50


class ReviewQueueQuery(Struct, frozen=True):
    """How many to take."""

    limit: Annotated[int, Meta(ge=1, le=MOST_ITEMS, description="At most so many items.")] = 10


class ReviewFeature(Struct, frozen=True):
    """A feature, and how far it pushed the margin; null on a blind item."""

    feature: str
    value: float
    contribution: float | None


class ReviewAnswer(Struct, frozen=True):
    """What the model said."""

    label: str
    margins: list[float]
    confidence: Annotated[float | None, Meta(description="The chance that the label is right; null: not known.")]
    model: Version
    base: Annotated[float | None, Meta(description="With the contributions it sums to the deciding margin.")]


class ReviewItem(Struct, frozen=True):
    """A record to be judged."""

    prediction: PlaceText
    via: Annotated[Via, Meta(description="How it was chosen; its feedback is recorded so.")]
    blind: Annotated[bool, Meta(description="Whether the model's answer is kept back until the reviewer's is in.")]
    id: str | None
    subject: str | None
    batch: str | None
    context: str | None
    features: list[ReviewFeature]
    answer: Annotated[ReviewAnswer | None, Meta(description="Null on a blind item.")]
    classes: Annotated[list[str], Meta(description="The labels that the live model knows.")]
    ingested_at: Time


class ReviewQueue(Struct, frozen=True):
    """Items that are this reviewer's alone for a while."""

    items: list[ReviewItem]
    next: Annotated[None, Meta(description="Always null: ask again for more.")]
    claimed_for_s: Annotated[float, Meta(description="So long nobody else gets them.")]
    waiting: Annotated[
        Count,
        Meta(
            description="So many can still be taken after these: of a bounded pool of the newest records without a "
            "review, those that are claimed by nobody, one of each subject."
        ),
    ]
    waiting_at_least: Annotated[
        bool, Meta(description="Whether that pool is full: more than `waiting` may wait, beyond it.")
    ]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "claim_review_items",
        "GET",
        "/v1/review-queue",
        "Reviewing",
        "The records from which most is to be learned, claimed for whoever asks.",
        role="review",
        description=(
            "A share at random (`audit`), else those on which champion and shadow disagree (`disagree`), else the "
            "least certain (`queue`), near-duplicates thinned. Items at random and of disagreement come blind: without "
            "the model's answer, which `GET /v1/predictions/{id}` tells afterwards."
        ),
        query=ReviewQueueQuery,
        answer=ReviewQueue,
    ),
)
