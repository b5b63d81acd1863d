"""Batches: records that were sent together are listed, counted and reviewed together."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from relearn.schemas.http.feedback import Label, Name
from relearn.schemas.http.ingest import BatchId
from relearn.schemas.http.operation import Count, Operation, Page, PageQuery, PlaceText, Time

#: Maximum number of records of a batch, the newest, over which labels, models and reviews are counted.
COUNTED = 50_000
#: Maximum number of reviews in one call.
MOST_REVIEWED = 10_000


class BatchPath(Struct, frozen=True):
    """The batch."""

    id: BatchId


class Batch(Struct, frozen=True):
    """One batch: the records of it that are stored so far."""

    batch: str
    records: Count
    first_at: Annotated[Time, Meta(description="When the broker appended its first record.")]
    last_at: Annotated[Time, Meta(description="When the broker appended its last record.")]


class BatchDetail(Batch, frozen=True):
    """One batch with counts of its records by label, model and review."""

    counted: Annotated[
        Count,
        Meta(
            description=f"Number of records that the counts cover: those still stored, at most the newest {COUNTED:,}."
        ),
    ]
    labels: Annotated[dict[str, int], Meta(description="Records by predicted label.")]
    models: Annotated[dict[str, int], Meta(description="Records by model version.")]
    reviewed: Annotated[Count, Meta(description="Records with a review.")]


_AS_MANY = "One for each named record. "
_Subjects = Annotated[
    list[Name], Meta(max_length=MOST_REVIEWED, description="Subjects: each names all of its records in the batch.")
]
_Predictions = Annotated[
    list[PlaceText], Meta(max_length=MOST_REVIEWED, description="Instead of `subjects`: ids of predictions.")
]
_Ratings = Annotated[
    list[Literal[0, 1]],
    Meta(
        max_length=MOST_REVIEWED,
        description=_AS_MANY + "1: the stored label is right; 0: it is wrong, so that the other of two classes is "
        "right. With more than two classes, send `labels`.",
    ),
]
_Labels = Annotated[
    list[Label],
    Meta(
        max_length=MOST_REVIEWED,
        description=_AS_MANY + "Instead of `ratings`: the right labels; null withdraws the review.",
    ),
]


class BatchReviewBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Reviews of a batch's records: a rating or a label for each named record, and a confirmation of the others."""

    subjects: _Subjects | None = None
    predictions: _Predictions | None = None
    ratings: _Ratings | None = None
    labels: _Labels | None = None
    confirm_rest: Annotated[
        bool, Meta(description="Confirm every record of the batch that has no review and isn't named here.")
    ] = False
    reviewer: Annotated[
        Name | None, Meta(description="The reviewer's name. Requests with a key are recorded under the key's name.")
    ] = None


class AcceptedBatchReview(Struct, frozen=True):
    """The broker has acknowledged a review of each prediction, with `via` `batch`."""

    batch_id: BatchId
    predictions: Annotated[list[PlaceText], Meta(description="The reviewed predictions, the named ones first.")]
    ids: Annotated[list[str], Meta(description="The id of each review, for `GET /v1/feedback/{id}`.")]
    more: Annotated[
        bool, Meta(description="Whether unreviewed records are left because of the limit: send the request again.")
    ]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "list_batches",
        "GET",
        "/v1/batches",
        "Batches",
        "Batches, the one with the newest record first.",
        description="The latest batches are read from Redis, also while Postgres is unavailable.",
        query=PageQuery,
        answer=Page[Batch],
        fails=("unavailable",),
    ),
    Operation(
        "get_batch",
        "GET",
        "/v1/batches/{id}",
        "Batches",
        "One batch: its records by label and by model, and how many have a review.",
        description="404 also until the first record of the batch is stored.",
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
            "Covers the records that are stored when the request arrives. The answer is sent when Kafka has "
            "acknowledged all reviews, at most 10,000. Delivery is at least once: after a 503 some may have been "
            "accepted; `taken`, where present, lists those that certainly were. 400: a rating of 0 with more than "
            "two classes."
        ),
        path_type=BatchPath,
        body=BatchReviewBody,
        example={"predictions": ["2-10481-0"], "ratings": [1], "confirm_rest": True},
        answer=AcceptedBatchReview,
        status=202,
        idempotent=True,
    ),
)
