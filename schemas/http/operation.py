"""One operation of the HTTP API: what it takes, what it answers, who may, and what may go wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar

from msgspec import Meta, Struct

from relearn.schemas.http.problems import Kind

T = TypeVar("T")

Role = Literal["read", "ingest", "review", "admin"]
#: A role includes those before it.
ROLES: tuple[Role, ...] = ("read", "ingest", "review", "admin")

JSON = "application/json"
LIMIT_MAX = 1000

Limit = Annotated[int, Meta(ge=1, le=LIMIT_MAX, description="At most so many items.")]
Cursor = Annotated[str, Meta(max_length=512, description="`next` of the page before, as it was given.")]
Count = Annotated[int, Meta(ge=0)]
#: A string that Postgres and Kafka can hold: no NUL, at most 256 characters (bytes are checked as well).
Text = Annotated[str, Meta(max_length=256, pattern=r"^[^\x00]*$")]
PlaceText = Annotated[
    str,
    Meta(pattern=r"^[0-9]{1,19}(-[0-9]{1,19}){2,3}$", description="A prediction's id.", examples=["2-10481-0"]),
]
Version = Annotated[int, Meta(ge=1, le=2**31 - 1, description="A model's version.")]
Time = Annotated[str, Meta(description="ISO 8601, UTC.", examples=["2026-01-31T12:00:00.250000+00:00"])]


class Page(Struct, Generic[T], frozen=True):
    """Items, newest first, and the cursor of the next page; null where this is the last."""

    items: list[T]
    next: str | None


class PageQuery(Struct, frozen=True):
    """What every list takes."""

    limit: Limit = 100
    cursor: Cursor | None = None


class AcceptedCommand(Struct, frozen=True):
    """A message was acknowledged by the broker; what comes of it can be asked for by this id."""

    id: str


@dataclass(frozen=True, slots=True)
class Operation:
    """`path` has its variables in braces, and `path_type` a field for each.

    `body`: the type of the JSON body, None where there is none; `example`: one that works; `raw`: the handler reads it
    by itself, and what is wrong with it is malformed; `reads`: the media types that it may have. `answer`: the type of
    the JSON answer; `media`: what it is written as, where that isn't JSON alone; `also`: answers of other statuses.
    `error`: the type of its errors where they aren't problems. `fails`: problems beside those that any may end with.
    `idempotent`: `Idempotency-Key` is honoured. `deep`: the last variable of the path may hold slashes.
    """

    id: str
    method: Literal["GET", "POST", "PATCH"]
    path: str
    tag: str
    summary: str
    role: Role | None = "read"
    description: str = ""
    path_type: type[Struct] | None = None
    query: type[Struct] | None = None
    body: Any = None
    example: Any = None
    raw: bool = False
    reads: tuple[str, ...] = (JSON,)
    answer: Any = None
    status: int = 200
    media: tuple[str, ...] = (JSON,)
    also: tuple[tuple[int, Any], ...] = ()
    error: Any = None
    fails: tuple[Kind, ...] = ()
    idempotent: bool = False
    deep: bool = False

    @property
    def methods(self) -> tuple[str, ...]:
        """Those that are answered: where GET needs no key, HEAD too, as probes and link checkers ask."""
        return ("GET", "HEAD") if self.method == "GET" and self.role is None else (self.method,)
