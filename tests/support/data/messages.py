"""Hand-made messages for the tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from relearn.schemas.features import FeatureSchema, numbers_alone
from relearn.schemas.messages.ingest_fast_path import ForeignMessages, decode_parts
from relearn.schemas.messages.records import Records, RecordsBuilder, Reject


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


def decode_chunk(
    messages: Iterable[Any], features: Sequence[str] | FeatureSchema, foreign: ForeignMessages | None = None
) -> tuple[Records, list[Reject]]:
    """The records of some messages that fit one part, if there are any, and those that can't be scored."""
    schema = features if isinstance(features, FeatureSchema) else numbers_alone(features)
    parts = list(decode_parts(messages, schema, foreign))
    assert len(parts) <= 1
    return parts[0] if parts else RecordsBuilder(schema).finish()
