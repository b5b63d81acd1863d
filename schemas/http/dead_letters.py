"""Dead letters: records that could not be used, each with its reason, and sending them again."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from relearn.schemas.http.operation import Count, Operation, Page, PageQuery, PlaceText, Text, Time

#: At most so much of an original is given as it is, and as JSON.
SHOWN_BYTES = 64 * 1024
#: Of more than that, nothing is decoded.
READABLE_BYTES = 1024 * 1024
#: One call sends at most so many again.
REDRIVE_AT_MOST = 1000

DeadLetterId = Annotated[int, Meta(ge=1, le=2**63 - 1, examples=[1])]


class DeadLetter(Struct, frozen=True):
    """One record that could not be used."""

    id: DeadLetterId
    agent: Annotated[str, Meta(description="The role that could not use it.")]
    topic: Annotated[str, Meta(description="Where it came from.")]
    place: Annotated[PlaceText, Meta(description="Where it stands there, as a prediction's id.")]
    reason: Annotated[str, Meta(description="In one word.", examples=["dimension"])]
    error: str
    at: Time
    redriven_at: Annotated[Time | None, Meta(description="When it was sent again; null: it is open.")]


class MessageHeader(Struct, frozen=True):
    """One header of the original."""

    name: str
    value: str


class MessageBytes(Struct, frozen=True):
    """Bytes that may be anything."""

    size_bytes: Count
    base64: Annotated[bytes, Meta(description=f"The first {SHOWN_BYTES:,} bytes at most.")]
    cut: Annotated[bool, Meta(description="Whether there is more.")]


class OriginalMessage(Struct, frozen=True):
    """The message that the record stood in."""

    key: MessageBytes | None
    value: MessageBytes | None
    headers: list[MessageHeader]
    record: Annotated[
        Any,
        Meta(
            description="The record at fault, or the message where the fault is the message's: packed numbers as a "
            "list, what is long or deep cut. Null where it can't be read, or is too large: `value` has its bytes."
        ),
    ]


class DeadLetterDetail(DeadLetter, frozen=True):
    """One dead letter with its original."""

    original: OriginalMessage


class DeadLetterPath(Struct, frozen=True):
    """One dead letter."""

    id: DeadLetterId


class DeadLettersQuery(PageQuery, frozen=True):
    """Which dead letters."""

    reason: Text | None = None
    open: Annotated[bool | None, Meta(description="Whether they were not sent again.")] = None


class RedriveBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Which to send again: all that are open, or those of one reason."""

    reason: Text | None = None
    after: Annotated[DeadLetterId | None, Meta(description="`next` of the call before.")] = None


class NotRedriven(Struct, frozen=True):
    """One that was not sent again, and stays open."""

    id: DeadLetterId
    detail: str


class RedriveResult(Struct, frozen=True):
    """What was sent again, and is marked so."""

    acknowledged: Annotated[Count, Meta(description="The broker has so many.")]
    refused: list[NotRedriven]
    next: Annotated[
        DeadLetterId | None, Meta(description="Others are open: go on `after` this one. Null: all were tried.")
    ]


_AGAIN = (
    "The record at fault alone, to the topic that it came from, with its former place in a header `redrive-of`. It is "
    "marked when the broker has it. One that somebody else sends at this moment isn't sent twice."
)

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "list_dead_letters",
        "GET",
        "/v1/dead-letters",
        "Monitoring",
        "Records that could not be used, the newest first.",
        query=DeadLettersQuery,
        answer=Page[DeadLetter],
        fails=("unavailable",),
    ),
    Operation(
        "get_dead_letter",
        "GET",
        "/v1/dead-letters/{id}",
        "Monitoring",
        "One of them, with the message that it stood in.",
        path_type=DeadLetterPath,
        answer=DeadLetterDetail,
        fails=("not-found", "unavailable"),
    ),
    Operation(
        "redrive_dead_letter",
        "POST",
        "/v1/dead-letters/{id}/redrive",
        "Monitoring",
        "Send a record again.",
        role="admin",
        description=f"{_AGAIN} 409: it was sent again before, is being sent now, or can't be.",
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
        f"Send all records again that are open, the oldest first, at most {REDRIVE_AT_MOST:,} a call.",
        role="admin",
        description=f"{_AGAIN} While `next` isn't null, call again with it.",
        body=RedriveBody,
        example={"reason": "dimension"},
        answer=RedriveResult,
        status=202,
        fails=("unavailable",),
        idempotent=True,
    ),
)
