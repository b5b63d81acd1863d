"""The server itself: liveness, readiness and metrics."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from relearn.schemas.http.operation import Operation, Time


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
