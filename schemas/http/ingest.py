"""Records for the stream: what a producer without a Kafka client sends, and under which ids they are taken."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from relearn.schemas.http.operation import Operation, PlaceText, Text
from relearn.schemas.http.predict import Rows
from relearn.schemas.text import MAX_CONTEXT_BYTES

BatchId = Annotated[
    str,
    Meta(min_length=1, max_length=256, pattern=r"^[^\x00]*$", description="A batch's id.", examples=["2026-01-31"]),
]
_Context = Annotated[str, Meta(max_length=MAX_CONTEXT_BYTES, pattern=r"^[^\x00]*$")]


class BatchBody(Struct, frozen=True, forbid_unknown_fields=True):
    """n records, and what is known of each, in the same order."""

    features: Rows
    subjects: Annotated[
        list[Text | None] | None,
        Meta(
            description="Whom or what each is about: repeats of a subject count as one example. n, at most 256 bytes."
        ),
    ] = None
    ids: Annotated[
        list[Text | None] | None, Meta(description="The producer's own name of each. n, at most 256 bytes.")
    ] = None
    contexts: Annotated[
        list[_Context | None] | None,
        Meta(description="Text for a reviewer's eyes, never computed with. n, at most 2,048 bytes."),
    ] = None
    batch: Annotated[
        BatchId | None, Meta(description="What they belong to; made where none is given. It may have been used before.")
    ] = None


class AcceptedBatch(Struct, frozen=True):
    """The broker has all of them; they are scored and stored in a moment."""

    batch_id: BatchId
    predictions: Annotated[list[PlaceText], Meta(description="The id that each record's prediction will have.")]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "create_batch",
        "POST",
        "/v1/batches",
        "Batches",
        "Send records to be scored and stored.",
        role="ingest",
        description=(
            "Answered when Kafka has acknowledged them. They are checked before: against the namespace's features, "
            "once those are known. At least once: after a 503 some may have been taken all the same; `taken`, where it "
            "is there, says which certainly were. 429: as much is in flight as may be; ask again after `Retry-After`."
        ),
        body=BatchBody,
        example={"features": [[0.1, 2.5], [1.5, -0.25]], "subjects": ["customer-4", None], "batch": "2026-01-31"},
        answer=AcceptedBatch,
        status=202,
        idempotent=True,
    ),
)
