"""The server itself: liveness, readiness, metrics, and what a caller may do."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from relearn.schemas.http.operation import Operation, Role, Time


class Liveness(Struct, frozen=True):
    """The process runs."""

    status: Literal["alive"]


class ReadinessCheck(Struct, frozen=True):
    """One dependency: Kafka, Postgres, Redis, a model, the tables of this version."""

    name: str
    ok: bool
    required: Annotated[bool, Meta(description="Whether the server is not ready without it.")]
    since: Annotated[Time, Meta(description="When `ok` last changed.")]
    detail: Annotated[str, Meta(description="The fault and its remedy; empty if `ok`.")]


class Readiness(Struct, frozen=True):
    """Whether requests can be answered, with every dependency checked."""

    status: Literal["ready", "not ready"]
    checks: list[ReadinessCheck]


class Caller(Struct, frozen=True):
    """The caller, by the API key that was sent: `admin` while the API has no keys."""

    role: Annotated[Role, Meta(description="What it may do. Each role includes those before it.")]
    name: Annotated[str | None, Meta(description="The key's name; null while the API has no keys.")]
    deployment: Annotated[
        str, Meta(description="The database behind this API. What a client keeps of another one is not of this one.")
    ]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "get_liveness",
        "GET",
        "/livez",
        "Server",
        "Whether the process runs. Checks no other server.",
        role=None,
        answer=Liveness,
    ),
    Operation(
        "get_readiness",
        "GET",
        "/readyz",
        "Server",
        "Whether requests can be answered: the state of each dependency.",
        role=None,
        description="503 with the same body where a required dependency is missing.",
        answer=Readiness,
        also=((503, Readiness),),
    ),
    Operation(
        "get_caller",
        "GET",
        "/v1/me",
        "Server",
        "What the caller may do, by the role of its API key, and in which deployment.",
        answer=Caller,
    ),
    Operation(
        "get_metrics",
        "GET",
        "/metrics",
        "Server",
        "Metrics of this process, for Prometheus.",
        description="With several processes on one port, one of them answers with its own metrics: the label "
        "`process` names it.",
        media=("text/plain",),
    ),
)
