"""Decoded records of one chunk of ingest messages, in columns, and the faults of the records that were rejected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from relearn.schemas.errors import BadMessage
from relearn.schemas.features import FeatureSchema, Strings
from relearn.schemas.text import first_few

Texts = Sequence[str | None]

#: Maximum time of a row, in epoch seconds: the end of the year 9999 less a day, whose partition could not end.
MAX_TIME_S = 253_402_214_399.0


class Pairs(list[tuple[Any, Any]]):
    """A map of a message as its pairs, so that a duplicate key can be detected."""


class RawMessage(Protocol):
    """A message as Kafka delivered it; aiokafka's ConsumerRecord is one. `timestamp` is in milliseconds."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class OneTexts(Protocol):
    """The texts of a single-record message."""

    id: str | None
    subject: str | None
    batch: str | None
    context: str | None


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the record at `index` of a message is rejected: a constant word, and a sentence with the facts."""

    index: int
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class UnreadMessage:
    """A message whose value is not to be decoded: it becomes a dead letter with `fault`.

    `whole`: key, value and headers are those of the original. Else `value` is None or the head of the value, and
    `value_bytes` and `value_sha256` are those of the whole value, where they are known.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    fault: Fault
    value_bytes: int | None = None
    value_sha256: bytes | None = None
    whole: bool = False


def check_readable(message: RawMessage) -> None:
    """Return if the value of `message` may be decoded.

    Raises:
        BadMessage: it is an UnreadMessage; the fault is the message's.
    """
    if type(message) is UnreadMessage:
        raise BadMessage(message.fault.reason, message.fault.detail)


class Reject(NamedTuple):
    """A fault, and the message that has it."""

    message: RawMessage
    fault: Fault


class Rows(NamedTuple):
    """The readable records of one message. `packed` is n·d little-endian float64: rows (`schemas.features`).

    `strings`: the categories of each; empty where the schema has none.
    """

    packed: bytes
    indexes: Sequence[int]
    ids: Texts
    subjects: Texts
    contexts: Texts
    batch: str | None
    faults: Sequence[Fault]
    strings: Sequence[Strings] = ()


@dataclass(frozen=True, slots=True)
class Records:
    """n records in columns; every array and list has n entries.

    features: (n, d) float64, rows: finite, or NaN where a value is missing. `strings`: the categories of each; empty
    where the schema has none. partitions: int32. offsets: int64. indexes: int32.
    ingested_at: float64, seconds since the epoch, the broker's clock.
    """

    features: NDArray[np.float64]
    partitions: NDArray[np.int32]
    offsets: NDArray[np.int64]
    indexes: NDArray[np.int32]
    ingested_at: NDArray[np.float64]
    ids: Texts
    subjects: Texts
    batches: Texts
    contexts: Texts
    strings: Sequence[Strings] = ()

    def __len__(self) -> int:
        return len(self.offsets)

    def between(self, part: slice) -> Records:
        """The records of a slice; arrays are views."""
        return Records(
            self.features[part],
            self.partitions[part],
            self.offsets[part],
            self.indexes[part],
            self.ingested_at[part],
            self.ids[part],
            self.subjects[part],
            self.batches[part],
            self.contexts[part],
            self.strings[part],
        )

    def select(self, chosen: NDArray[np.intp]) -> Records:
        """The records at positions `chosen`, in that order."""
        columns = (self.ids, self.subjects, self.batches, self.contexts)
        ids, subjects, batches, contexts = ([column[i] for i in chosen] for column in columns)
        return Records(
            self.features[chosen],
            self.partitions[chosen],
            self.offsets[chosen],
            self.indexes[chosen],
            self.ingested_at[chosen],
            ids,
            subjects,
            batches,
            contexts,
            [self.strings[i] for i in chosen] if self.strings else (),
        )


@dataclass(slots=True)
class RecordsBuilder:
    """Collects the records of one chunk message by message. versions: what reads them where features were changed."""

    schema: FeatureSchema
    versions: Any = None
    messages: list[RawMessage] = field(default_factory=list)
    packed: list[bytes] = field(default_factory=list)
    indexes: list[int] = field(default_factory=list)
    ids: list[str | None] = field(default_factory=list)
    subjects: list[str | None] = field(default_factory=list)
    batches: list[str | None] = field(default_factory=list)
    contexts: list[str | None] = field(default_factory=list)
    strings: list[Strings] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    width: int = field(init=False)

    def __post_init__(self) -> None:
        """Count the features once, not per message."""
        self.width = len(self.schema)

    def add_one(self, message: RawMessage, packed: bytes, texts: OneTexts) -> None:
        """Add the record of a single-record message."""
        self.messages.append(message)
        self.packed.append(packed)
        self.indexes.append(0)
        self.ids.append(texts.id)
        self.subjects.append(texts.subject)
        self.batches.append(texts.batch)
        self.contexts.append(texts.context)

    def add_rows(self, message: RawMessage, rows: Rows) -> None:
        """Add all readable records of one message, and its faults."""
        n = len(rows.indexes)
        self.messages.extend([message] * n)
        self.packed.append(rows.packed)
        self.indexes.extend(rows.indexes)
        self.ids.extend(rows.ids)
        self.subjects.extend(rows.subjects)
        self.batches.extend([rows.batch] * n)
        self.contexts.extend(rows.contexts)
        self.strings.extend(rows.strings)
        self.rejects.extend(Reject(message, fault) for fault in rows.faults)

    def finish(self) -> tuple[Records, list[Reject]]:
        """The records in columns without those that have a value that isn't finite, or a time that no row can have.

        A value that may be missing is NaN where it is. And every reject. Times are of any size where the broker doesn't
        stamp the topic's records.
        """
        joined = b"".join(self.packed) if self.schema.plain else bytearray().join(self.packed)
        features = np.frombuffer(joined, dtype="<f8").reshape(-1, len(self.schema))
        records = Records(
            features,
            np.array([m.partition for m in self.messages], dtype=np.int32),
            np.array([m.offset for m in self.messages], dtype=np.int64),
            np.array(self.indexes, dtype=np.int32),
            np.array([m.timestamp for m in self.messages], dtype=np.float64) / 1000.0,
            self.ids,
            self.subjects,
            self.batches,
            self.contexts,
            self.strings,
        )
        finite = np.isfinite(features)
        if not self.schema.plain:
            missing = np.isnan(features) & self.schema.gaps
            finite |= missing
            # One NaN of the many that there are: keys are hashes of bytes.
            features[missing] = np.nan
        timed = (records.ingested_at >= 0) & (records.ingested_at <= MAX_TIME_S)
        if finite.all() and timed.all():
            return records, self.rejects
        good = finite.all(axis=1)
        for i in np.flatnonzero(good & ~timed).tolist():
            fault = Fault(
                self.indexes[i], "invalid", f"its time is {self.messages[i].timestamp} ms: no row can have it"
            )
            self.rejects.append(Reject(self.messages[i], fault))
        for i in np.flatnonzero(~good).tolist():
            names = [self.schema.row_names[j] for j in np.flatnonzero(~finite[i]).tolist()]
            fault = Fault(self.indexes[i], "not-finite", f"{first_few(names)}: not a finite number")
            self.rejects.append(Reject(self.messages[i], fault))
        return records.select(np.flatnonzero(good & timed)), self.rejects
