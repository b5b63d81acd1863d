"""Hand-made messages for the tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FakeMessage:
    """A Kafka message as a consumer would hand it over; `timestamp` in milliseconds."""

    value: bytes | None
    offset: int = 0
    partition: int = 0
    topic: str = "relearn.ingest"
    timestamp: int = 1_700_000_000_000
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()
