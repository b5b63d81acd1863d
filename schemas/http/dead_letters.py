"""Dead letters: records that could not be used, each with its reason, and their redrive."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from relearn.schemas.http.operation import Count, Operation, Page, PageQuery, PlaceText, Text, Time
from relearn.schemas.identity import INT64_MAX

#: Maximum size of an original's bytes, and of its JSON, in an answer.
SHOWN_BYTES = 64 * 1024
#: Maximum size in bytes of an original that is decoded.
READABLE_BYTES = 1024 * 1024
#: Maximum number of records that one call redrives.
REDRIVE_AT_MOST = 1000

DeadLetterId = Annotated[int, Meta(ge=1, le=INT64_MAX, examples=[1])]


class DeadLetter(Struct, frozen=True):
    """One record that could not be used."""

    id: DeadLetterId
    agent: Annotated[str, Meta(description="The role that rejected it.")]
    topic: Annotated[str, Meta(description="The topic that it was read from.")]
    place: Annotated[PlaceText, Meta(description="Its position in the topic, in the form of a prediction id.")]
    reason: Annotated[str, Meta(description="A constant word.", examples=["dimension"])]
    error: str
    at: Time
    redriven_at: Annotated[Time | None, Meta(description="When it was redriven; null: it is open.")]


class MessageHeader(Struct, frozen=True):
    """One header of the original."""

    name: str
    value: str


class MessageBytes(Struct, frozen=True):
    """Arbitrary bytes."""

    size_bytes: Annotated[Count, Meta(description="Size in the original message.")]
    base64: Annotated[bytes, Meta(description=f"The first bytes, at most {SHOWN_BYTES:,}.")]
    cut: Annotated[bool, Meta(description="Whether bytes are left out.")]


class CutOriginal(Struct, frozen=True):
    """Facts about an original of which the dead letter holds a part, since it exceeds a bound."""

    value_bytes: Annotated[Count | None, Meta(description="Size of the value; null: there is none, or it wasn't read.")]
    value_sha256: Annotated[str | None, Meta(description="SHA-256 of the value, in hex.")]
    key_bytes: Annotated[Count | None, Meta(description="Size of the key; null: `key` has all of it.")]
    headers: Annotated[Count | None, Meta(description="Number of headers; null: `headers` has them all.")]


class OriginalMessage(Struct, frozen=True):
    """The message that contained the record."""

    key: MessageBytes | None
    value: MessageBytes | None
    headers: list[MessageHeader]
    record: Annotated[
        Any,
        Meta(
            description="The record at fault, or the message where the whole message is at fault: packed numbers as a "
            "list, long or deep values cut. Null where it can't be read or is too large: `value` has its bytes."
        ),
    ]
    cut: Annotated[
        CutOriginal | None,
        Meta(
            description="Where the dead letter holds a part of the original: redriving reads it from its place in its "
            "topic, while Kafka keeps it there. Null: the dead letter holds all of it."
        ),
    ]


class DeadLetterDetail(DeadLetter, frozen=True):
    """One dead letter with its original."""

    original: OriginalMessage


class DeadLetterPath(Struct, frozen=True):
    """One dead letter."""

    id: DeadLetterId


class DeadLettersQuery(PageQuery, frozen=True):
    """Filters of the list."""

    reason: Text | None = None
    open: Annotated[bool | None, Meta(description="true: only those not redriven yet; false: only those redriven.")] = (
        None
    )


class RedriveBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Which to redrive: all that are open, or those of one reason."""

    reason: Text | None = None
    after: Annotated[DeadLetterId | None, Meta(description="`next` of the previous answer.")] = None


class NotRedriven(Struct, frozen=True):
    """One that was not redriven and stays open."""

    id: DeadLetterId
    detail: str


class RedriveResult(Struct, frozen=True):
    """How many records were redriven and are marked as such."""

    acknowledged: Annotated[Count, Meta(description="Number of records that the broker has acknowledged.")]
    refused: list[NotRedriven]
    next: Annotated[
        DeadLetterId | None, Meta(description="Others are open: go on `after` this one. Null: all were tried.")
    ]


_AGAIN = (
    "Sends only the record at fault to the topic that it came from, with its former position in the header "
    "`redrive-of`. It is marked when the broker has acknowledged it. A record that another process redrives at the "
    "same time isn't sent twice."
)

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "list_dead_letters",
        "GET",
        "/v1/dead-letters",
        "Monitoring",
        "Dead letters, the newest first.",
        query=DeadLettersQuery,
        answer=Page[DeadLetter],
        fails=("unavailable",),
    ),
    Operation(
        "get_dead_letter",
        "GET",
        "/v1/dead-letters/{id}",
        "Monitoring",
        "One dead letter with its original message.",
        path_type=DeadLetterPath,
        answer=DeadLetterDetail,
        fails=("not-found", "unavailable"),
    ),
    Operation(
        "redrive_dead_letter",
        "POST",
        "/v1/dead-letters/{id}/redrive",
        "Monitoring",
        "Redrive one dead letter.",
        role="admin",
        description=f"{_AGAIN} 409: it was redriven before, is being redriven now, or can't be redriven.",
        path_type=DeadLetterPath,
        answer=RedriveResult,
        status=202,
        fails=("not-found", "conflict", "unavailable"),
        idempotent=True,
    ),
    Operation(
        "redrive_dead_letters",
        "POST",
        "/v1/redrive",
        "Monitoring",
        f"Redrive all open dead letters, the oldest first, at most {REDRIVE_AT_MOST:,} per call.",
        role="admin",
        description=f"{_AGAIN} While `next` isn't null, send the next request with it as `after`.",
        body=RedriveBody,
        example={"reason": "dimension"},
        answer=RedriveResult,
        status=202,
        fails=("unavailable",),
        idempotent=True,
    ),
)
