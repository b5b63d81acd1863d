"""About the server itself: is it alive, is it ready, what does it measure, what can it do."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from relearn.schemas.http.operation import Operation, Time


class Liveness(Struct, frozen=True):
    """The process runs."""

    status: Literal["alive"]


class ReadinessCheck(Struct, frozen=True):
    """One thing that is needed: Kafka, Postgres, Redis, a model, the tables of this version."""

    name: str
    ok: bool
    required: Annotated[bool, Meta(description="Whether the server is unready without it.")]
    since: Annotated[Time, Meta(description="Since when it has been so.")]
    detail: Annotated[str, Meta(description="What is wrong, and what to do; empty where nothing is.")]


class Readiness(Struct, frozen=True):
    """Whether requests can be answered, and if not why."""

    status: Literal["ready", "not ready"]
    checks: list[ReadinessCheck]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "get_liveness", "GET", "/livez", "Server", "Whether the process runs. Asks nobody.", role=None, answer=Liveness
    ),
    Operation(
        "get_readiness",
        "GET",
        "/readyz",
        "Server",
        "Whether requests can be answered: each server that is needed, and since when it has been so.",
        role=None,
        description="503, with the same body, where something that is required is missing.",
        answer=Readiness,
        also=((503, Readiness),),
    ),
    Operation(
        "get_metrics",
        "GET",
        "/metrics",
        "Server",
        "What this process measures, for Prometheus.",
        description="Of several processes on one port one answers, for itself alone: the label `process` says which.",
        media=("text/plain",),
    ),
)
