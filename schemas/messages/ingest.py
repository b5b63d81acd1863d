"""The `ingest` topic's messages: one record or many, MessagePack or JSON, by position or by name.

Decoding: `ingest_fast_path` reads well-formed messages, `ingest_faults` all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgpack
import msgspec
import numpy as np
from numpy.typing import NDArray

from relearn.schemas.features import Value
from relearn.schemas.messages.records import Texts
from relearn.schemas.topics import INGEST_MAX_BYTES

#: Maximum number of records in a message, and of numbers: as many as fit a message in packed form.
RECORDS_MAX = 100_000
NUMBERS_MAX = INGEST_MAX_BYTES // 8
#: CloudEvents types of a message with one record, and of one with many.
CE_TYPE_ONE = "relearn.record.v1"
CE_TYPE_MANY = "relearn.records.v1"


class OneRecord(msgspec.Struct, gc=False):
    """A message of `ingest` with one record, by position."""

    features: Annotated[list[float] | bytes, msgspec.Meta(description="d numbers, or packed float64 d.")]
    n: int | None = None
    id: str | None = None
    subject: str | None = None
    batch: str | None = None
    context: str | None = None


class ManyRecords(msgspec.Struct, gc=False):
    """A message of `ingest` with n records."""

    n: Annotated[int, msgspec.Meta(description="The number of records: at most 100,000, and 1,048,576 numbers.")]
    features: Annotated[bytes | list[list[float]], msgspec.Meta(description="n lists of d, or packed float64 n·d.")]
    ids: list[str | None] | None = None
    subjects: list[str | None] | None = None
    batch: str | None = None
    names: list[str] | None = None
    contexts: list[str | None] | None = None


def encode_record(
    features: Sequence[Value] | dict[str, Value] | NDArray[np.float64],
    *,
    record_id: str | None = None,
    subject: str | None = None,
    batch: str | None = None,
    context: str | None = None,
    schema: int | None = None,
) -> bytes:
    """A single-record message. An array goes packed; a list by position; a dict by name. schema: their version."""
    given = np.ascontiguousarray(features, dtype="<f8").tobytes() if isinstance(features, np.ndarray) else features
    texts = {"id": record_id, "subject": subject, "batch": batch, "context": context}
    message = {"features": given, **texts, "schema": schema}
    return _packed(message)


def encode_records(
    features: NDArray[np.float64] | Sequence[Sequence[Value]],
    *,
    ids: Texts | None = None,
    subjects: Texts | None = None,
    batch: str | None = None,
    names: Sequence[str] | None = None,
    contexts: Texts | None = None,
) -> bytes:
    """A many-record message: packed from an (n, d) array of numbers alone, else from rows in the schema's order."""
    message = {
        "n": len(features),
        "features": np.ascontiguousarray(features, "<f8").tobytes() if isinstance(features, np.ndarray) else features,
        "ids": ids,
        "subjects": subjects,
        "batch": batch,
        "names": names,
        "contexts": contexts,
    }
    return _packed(message)


def _packed(message: dict[str, Any]) -> bytes:
    return bytes(msgpack.packb({key: value for key, value in message.items() if value is not None}))
