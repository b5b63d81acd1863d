"""One operation of the HTTP API: its parameters, body, answers, role and problems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar

from msgspec import Meta, Struct

from relearn.schemas.http.problems import Kind
from relearn.schemas.identity import INT32_MAX

T = TypeVar("T")

#: Where a component of the document stands, as a JSON reference.
REFERENCE = "#/components/schemas/{name}"

Role = Literal["read", "ingest", "review", "admin"]
#: A role includes those before it.
ROLES: tuple[Role, ...] = ("read", "ingest", "review", "admin")

JSON = "application/json"
LIMIT_MAX = 1000

Limit = Annotated[int, Meta(ge=1, le=LIMIT_MAX, description="Maximum number of items.")]
Cursor = Annotated[str, Meta(max_length=512, description="`next` of the previous page, unchanged.")]
Count = Annotated[int, Meta(ge=0)]
NO_NUL = r"^[^\x00]*$"
PLACE = r"^[0-9]{1,19}(-[0-9]{1,19}){2,3}$"
#: A string that Postgres and Kafka can hold: no NUL, at most 256 characters (the size in bytes is checked too).
Text = Annotated[str, Meta(max_length=256, pattern=NO_NUL)]
PlaceText = Annotated[
    str,
    Meta(pattern=PLACE, description="The id of a prediction.", examples=["2-10481-0"]),
]
Version = Annotated[int, Meta(ge=1, le=INT32_MAX, description="The version of a model.")]
Time = Annotated[
    str,
    Meta(
        description="ISO 8601, UTC.",
        examples=["2026-01-31T12:00:00.250000+00:00"],
        extra_json_schema={"format": "date-time"},
    ),
]


def described_by(kind: type) -> Meta:
    """For JSON that is sent as it is stored: the document refers to `kind`, and nothing is checked against it."""
    return Meta(extra_json_schema={"$ref": REFERENCE.format(name=kind.__name__)})


class Page(Struct, Generic[T], frozen=True):
    """Items, newest first, and the cursor of the next page; null: this is the last page."""

    items: list[T]
    next: str | None


class PageQuery(Struct, frozen=True):
    """Parameters of every list."""

    limit: Limit = 100
    cursor: Cursor | None = None


class AcceptedCommand(Struct, frozen=True):
    """The broker has acknowledged the command; its result is the job with this id."""

    id: str


@dataclass(frozen=True, slots=True)
class Operation:
    """`path` has its variables in braces, and `path_type` a field for each.

    `id`: a verb and its object. `body`: the type of the JSON body, None without a body; `example`: a valid one; `raw`:
    the handler reads the body itself, and a fault in it is `malformed`; `reads`: its media types. `answer`: the type of
    the JSON answer; `media`: its media types; `also`: answers of other statuses. `error`: the type of its errors if
    they aren't problems. `fails`: problems besides those of every operation. `idempotent`: `Idempotency-Key` is
    honoured. `deep`: the last variable of the path may hold slashes. `documented`: the OpenAPI document has it.
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
    documented: bool = True

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods of the route: HEAD too where GET needs no key, since probes and link checkers send it."""
        return ("GET", "HEAD") if self.method == "GET" and self.role is None else (self.method,)
