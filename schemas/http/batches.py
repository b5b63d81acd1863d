"""Batches: what was sent together is looked at, and reviewed, together."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from relearn.schemas.http.feedback import Label, Name
from relearn.schemas.http.ingest import BatchId
from relearn.schemas.http.operation import Count, Operation, Page, PageQuery, PlaceText, Time

#: Labels, models and reviews are counted over so many records of a batch, the newest.
COUNTED = 50_000
#: Statements that one call may make.
MOST_REVIEWED = 10_000


class BatchPath(Struct, frozen=True):
    """Which batch."""

    id: BatchId


class Batch(Struct, frozen=True):
    """One batch, by what was stored of it so far."""

    batch: str
    records: Count
    first_at: Annotated[Time, Meta(description="When the broker had its first record.")]
    last_at: Annotated[Time, Meta(description="When the broker had its last record.")]


class BatchDetail(Batch, frozen=True):
    """One batch with what its records came to."""

    counted: Annotated[
        Count,
        Meta(description=f"Over so many records: those that are still kept, the newest {COUNTED:,} of more."),
    ]
    labels: Annotated[dict[str, int], Meta(description="Records by the label that was answered.")]
    models: Annotated[dict[str, int], Meta(description="Records by the version that answered.")]
    reviewed: Annotated[Count, Meta(description="Records of which somebody's label stands.")]


_AS_MANY = "As long as what is named. "
_Subjects = Annotated[
    list[Name], Meta(max_length=MOST_REVIEWED, description="Which records: all in the batch that are about these.")
]
_Predictions = Annotated[
    list[PlaceText], Meta(max_length=MOST_REVIEWED, description="In place of `subjects`: predictions' ids.")
]
_Ratings = Annotated[
    list[Literal[0, 1]],
    Meta(
        max_length=MOST_REVIEWED,
        description=_AS_MANY + "1: the stored label is right; 0: it is wrong, so of two classes it is the other; of "
        "more, give `labels`.",
    ),
]
_Labels = Annotated[
    list[Label],
    Meta(max_length=MOST_REVIEWED, description=_AS_MANY + "In place of `ratings`: the right labels; null takes back."),
]


class BatchReviewBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is said of a batch's records: of each one named a rating or a label, and of the rest that they are right."""

    subjects: _Subjects | None = None
    predictions: _Predictions | None = None
    ratings: _Ratings | None = None
    labels: _Labels | None = None
    confirm_rest: Annotated[
        bool, Meta(description="Confirm every record of the batch that nobody has reviewed and that isn't named here.")
    ] = False
    reviewer: Annotated[
        Name | None, Meta(description="Who says so. With a key it is the key's name, whatever stands here.")
    ] = None


class AcceptedBatchReview(Struct, frozen=True):
    """The broker has it: a statement of each prediction, `via` `batch`."""

    batch_id: BatchId
    predictions: Annotated[list[PlaceText], Meta(description="What was spoken of: the named ones first.")]
    ids: Annotated[list[str], Meta(description="The statement on each, by which its outcome can be asked for.")]
    more: Annotated[bool, Meta(description="Whether so many are unreviewed that some of the rest are left: ask again.")]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "list_batches",
        "GET",
        "/v1/batches",
        "Batches",
        "Batches; the one that got a record last comes first.",
        description="The latest of them are told by Redis, also while Postgres is away.",
        query=PageQuery,
        answer=Page[Batch],
        fails=("unavailable",),
    ),
    Operation(
        "get_batch",
        "GET",
        "/v1/batches/{id}",
        "Batches",
        "One batch: its records by label and by model, and how many of them are reviewed.",
        description="404 also for a batch that was sent a moment ago, of which nothing is stored yet.",
        path_type=BatchPath,
        answer=BatchDetail,
        fails=("not-found", "unavailable"),
    ),
    Operation(
        "review_batch",
        "PATCH",
        "/v1/batches/{id}",
        "Batches",
        "Review a batch's records.",
        role="review",
        description=(
            "Of what is stored by now. Answered when Kafka has acknowledged all statements, at most 10,000. At least "
            "once: after a 503 some may have been taken all the same; `taken`, where it is there, says which certainly "
            "were. 400: a rating of 0 where there are more classes than two."
        ),
        path_type=BatchPath,
        body=BatchReviewBody,
        example={"predictions": ["2-10481-0"], "ratings": [1], "confirm_rest": True},
        answer=AcceptedBatchReview,
        status=202,
        idempotent=True,
    ),
)
