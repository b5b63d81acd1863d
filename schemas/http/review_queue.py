"""The review queue: the records to review next."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from relearn.schemas.features import Value
from relearn.schemas.http.operation import Count, Operation, PlaceText, Time, Version
from relearn.schemas.http.predictions import WordContribution
from relearn.schemas.messages.feedback import Via

MOST_ITEMS = 50


_Limit = Annotated[int, Meta(ge=1, le=MOST_ITEMS, description="Maximum number of items.")]


class ReviewQueueQuery(Struct, frozen=True):
    """Number of items."""

    limit: _Limit = 10


class ReviewClaimBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Number of items to claim."""

    limit: _Limit = 10


class ReviewFeature(Struct, frozen=True, omit_defaults=True):
    """A feature and its contribution to the margin; null on a blind item."""

    feature: str
    value: Value
    contribution: float | None
    words: Annotated[
        list[WordContribution] | None, Meta(description="Of a text: as in the detail of a prediction.")
    ] = None


class ReviewAnswer(Struct, frozen=True):
    """The model's prediction."""

    label: str
    margins: list[float]
    confidence: Annotated[float | None, Meta(description="Probability that the label is right; null: not known.")]
    model: Version
    base: Annotated[float | None, Meta(description="`base` and the contributions sum to the deciding margin.")]


class ReviewItem(Struct, frozen=True):
    """A record to review."""

    prediction: PlaceText
    via: Annotated[Via, Meta(description="How it was chosen; its feedback is recorded with this `via`.")]
    blind: Annotated[bool, Meta(description="Whether the model's prediction is hidden until the record is reviewed.")]
    id: str | None
    subject: str | None
    batch: str | None
    context: str | None
    features: list[ReviewFeature]
    answer: Annotated[ReviewAnswer | None, Meta(description="Null on a blind item.")]
    classes: Annotated[list[str], Meta(description="Classes of the live model.")]
    ingested_at: Time


class ReviewQueue(Struct, frozen=True):
    """Items to review, claimed for one reviewer for a limited time, or only looked at."""

    items: list[ReviewItem]
    next: Annotated[None, Meta(description="Always null: repeat the request for more items.")]
    claimed_for_s: Annotated[
        float, Meta(description="Seconds during which no other reviewer gets these items; 0: not claimed.")
    ]
    waiting: Annotated[
        Count,
        Meta(
            description="Number of items left after these: the unclaimed records, one per subject, of a bounded "
            "pool of the newest records without a review."
        ),
    ]
    waiting_at_least: Annotated[
        bool, Meta(description="Whether the pool is full: there may be more than `waiting` records.")
    ]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "list_review_items",
        "GET",
        "/v1/review-queue",
        "Reviewing",
        "Look at the records whose review is most useful for learning, without claiming them.",
        role="review",
        description=(
            "Nothing changes: another reviewer may get these items, and feedback on them counts as `volunteer`. `POST` "
            "claims items."
        ),
        query=ReviewQueueQuery,
        answer=ReviewQueue,
    ),
    Operation(
        "claim_review_items",
        "POST",
        "/v1/review-queue",
        "Reviewing",
        "Claim the records whose review is most useful for learning.",
        role="review",
        description=(
            "A share at random (`audit`), else records on which champion and shadow disagree (`disagree`), else the "
            "least certain ones (`queue`), without near-duplicates. Random and disagreement items are blind: they come "
            "without the model's prediction, which `GET /v1/predictions/{id}` returns afterwards."
        ),
        body=ReviewClaimBody,
        example={"limit": 10},
        answer=ReviewQueue,
        idempotent=True,
    ),
)
