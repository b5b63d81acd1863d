"""Records for the stream, from producers without a Kafka client, and the ids of their predictions."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from relearn.schemas.http.operation import NO_NUL, Operation, PlaceText, Text
from relearn.schemas.http.predict import Rows
from relearn.schemas.text import MAX_CONTEXT_BYTES

BatchId = Annotated[
    str,
    Meta(min_length=1, max_length=256, pattern=NO_NUL, description="The id of a batch.", examples=["2026-01-31"]),
]
_Context = Annotated[str, Meta(max_length=MAX_CONTEXT_BYTES, pattern=NO_NUL)]


class BatchBody(Struct, frozen=True, forbid_unknown_fields=True):
    """n records, and optional lists about them in the same order."""

    features: Rows
    subjects: Annotated[
        list[Text | None] | None,
        Meta(
            description="The subject of each record: records of one subject count as one example. n, at most 256 bytes."
        ),
    ] = None
    ids: Annotated[
        list[Text | None] | None, Meta(description="The producer's own id of each record. n, at most 256 bytes.")
    ] = None
    contexts: Annotated[
        list[_Context | None] | None,
        Meta(description="Text shown to reviewers, not used for scoring. n, at most 2,048 bytes."),
    ] = None
    batch: Annotated[BatchId | None, Meta(description="The batch; generated if missing. It may exist already.")] = None


class AcceptedBatch(Struct, frozen=True):
    """The broker has acknowledged all records; scoring and storing follow."""

    batch_id: BatchId
    predictions: Annotated[list[PlaceText], Meta(description="The id of each record's future prediction.")]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "create_batch",
        "POST",
        "/v1/batches",
        "Batches",
        "Send records to be scored and stored.",
        role="ingest",
        description=(
            "The answer is sent when Kafka has acknowledged all records. They are first validated against the "
            "namespace's features, once those are known. Delivery is at least once: after a 503 some may have been "
            "accepted; `taken`, where present, lists those that certainly were. 429: the limit of data in flight is "
            "reached; retry after `Retry-After`."
        ),
        body=BatchBody,
        example={"features": [[0.1, 2.5], [1.5, -0.25]], "subjects": ["customer-4", None], "batch": "2026-01-31"},
        answer=AcceptedBatch,
        status=202,
        idempotent=True,
    ),
)
