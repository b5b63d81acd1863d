"""Errors as answers: RFC 9457 problems, each with a constant `type`."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from msgspec import UNSET, Meta, Struct, UnsetType

CONTENT_TYPE = "application/problem+json"
_PREFIX = "urn:relearn:problem:"

Kind = Literal[
    "malformed",
    "unauthorized",
    "forbidden",
    "not-found",
    "method-not-allowed",
    "request-timeout",
    "conflict",
    "too-large",
    "unsupported-media-type",
    "expectation-failed",
    "invalid",
    "too-many-requests",
    "internal",
    "unavailable",
]


class Meaning(NamedTuple):
    """The status of a kind of problem, and its title."""

    status: int
    title: str


PROBLEMS: dict[Kind, Meaning] = {
    "malformed": Meaning(400, "The request can't be read"),
    "unauthorized": Meaning(401, "A key is needed, or this one isn't known"),
    "forbidden": Meaning(403, "This key may not do that"),
    "not-found": Meaning(404, "There is no such thing"),
    "method-not-allowed": Meaning(405, "This path doesn't take that method"),
    "request-timeout": Meaning(408, "The request didn't arrive in time"),
    "conflict": Meaning(409, "As things stand that can't be done"),
    "too-large": Meaning(413, "The request is too large"),
    "unsupported-media-type": Meaning(415, "The body's type isn't one that is read here"),
    "expectation-failed": Meaning(417, "What the request expects isn't known here"),
    "invalid": Meaning(422, "The request can be read, but not used"),
    "too-many-requests": Meaning(429, "Too many requests"),
    "internal": Meaning(500, "A fault of the server's own"),
    "unavailable": Meaning(503, "A server that is needed for that is away"),
}


class FieldFault(Struct, frozen=True):
    """The fault of one field."""

    field: Annotated[str, Meta(description="Path of the field: `features[3][0]`, `limit`.")]
    detail: str


class Problem(Struct, frozen=True):
    """An error in the form of RFC 9457."""

    type: Annotated[str, Meta(description="A constant URN that names the kind of problem.")]
    title: str
    status: int
    detail: Annotated[str, Meta(description="Details of this occurrence, for display.")]
    request_id: Annotated[
        str, Meta(description="Equal to the header `X-Request-Id` and to the id in the server's log.")
    ]
    errors: list[FieldFault] | UnsetType = UNSET
    taken: Annotated[
        list[str | None] | UnsetType,
        Meta(
            description="For a write that failed midway: the id of each item in the order sent; null: not known to "
            "be written."
        ),
    ] = UNSET


def problem(
    kind: Kind,
    detail: str,
    request_id: str,
    faults: list[FieldFault] | None = None,
    taken: list[str | None] | None = None,
) -> Problem:
    """The body of the answer for one kind of problem."""
    meaning = PROBLEMS[kind]
    return Problem(_PREFIX + kind, meaning.title, meaning.status, detail, request_id, faults or UNSET, taken or UNSET)
