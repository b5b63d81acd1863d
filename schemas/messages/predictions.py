"""The `predictions` topic's messages: a block of scored records, in columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import msgpack
import msgspec
import numpy as np
from numpy.typing import NDArray

from relearn.schemas.errors import BadMessage
from relearn.schemas.features import Strings
from relearn.schemas.messages.decoder import Decoder, read_array, read_texts
from relearn.schemas.messages.headers import MAX_WRITE_KEY_BYTES
from relearn.schemas.messages.records import Records, Texts
from relearn.schemas.messages.shadow_answers import ShadowAnswers, read_shadow, shadow_fields
from relearn.schemas.text import check_text
from relearn.schemas.topics import BLOCK_MAX_BYTES

VERSION = 1
CE_TYPE = "relearn.prediction-block.v1"

# Size of a block beside features and margins: per record its numbers and its texts' lengths, once its names.
_ROW_BYTES = 26 + 4 * 5
_HEAD_BYTES = 16 * 1024
_SHADOW_ROW_BYTES = 2
_WRITE_BYTES = 1 + 9 + 2 + MAX_WRITE_KEY_BYTES
_SHADOW_HEAD_BYTES = 128

# Values of the key `shadow` in a message without a shadow: MessagePack's nil, JSON's null.
_NO_SHADOW = {b"\xc0", b"null"}


@dataclass(frozen=True, slots=True)
class Block:
    """Scored records of ONE ingest partition, all by one model; `shadow`: another model's answers, if any.

    features: (n, d) float64, the numbers; NaN where one is missing. strings: the categories of each record, empty where
    the schema has none. schema: the version of the features that they are in; None: the model's. labels: int16, index
    into `classes`. margins: float64 (n, 1) for two classes, else (n, k). confidence: float32, NaN where unknown.
    ingested_at: float64 seconds, the broker's clock; scored_at: seconds, the scorer's clock. writes: offset and key of
    the messages that were sent under a key
    (`headers.WRITE_KEY`).
    """

    generation: int
    partition: int
    offsets: NDArray[np.int64]
    indexes: NDArray[np.int32]
    ingested_at: NDArray[np.float64]
    ids: Texts
    subjects: Texts
    batches: Texts
    contexts: Texts
    features: NDArray[np.float64]
    classes: tuple[str, ...]
    labels: NDArray[np.int16]
    margins: NDArray[np.float64]
    confidence: NDArray[np.float32]
    model: int
    activation: int
    scored_at: float
    shadow: ShadowAnswers | None = None
    writes: tuple[tuple[int, str], ...] = ()
    strings: Sequence[Strings] = ()
    schema: int | None = None
    #: When the broker appended the message with this block, epoch seconds; None: unknown. Not part of the message.
    appended_s: float | None = None

    def __len__(self) -> int:
        return len(self.offsets)

    @property
    def width(self) -> int:
        """The number of features."""
        numbers: int = self.features.shape[1]
        return numbers + (len(self.strings[0]) if self.strings else 0)

    def select(self, chosen: NDArray[np.intp]) -> Block:
        """The records at positions `chosen`, in that order."""
        columns = (self.ids, self.subjects, self.batches, self.contexts)
        ids, subjects, batches, contexts = ([column[i] for i in chosen] for column in columns)
        return replace(
            self,
            offsets=self.offsets[chosen],
            indexes=self.indexes[chosen],
            ingested_at=self.ingested_at[chosen],
            ids=ids,
            subjects=subjects,
            batches=batches,
            contexts=contexts,
            features=self.features[chosen],
            labels=self.labels[chosen],
            margins=self.margins[chosen],
            confidence=self.confidence[chosen],
            shadow=self.shadow.select(chosen) if self.shadow else None,
            strings=[self.strings[i] for i in chosen] if self.strings else (),
        )


class BlockWire(msgspec.Struct, gc=False):
    """A message of `predictions` as it travels: n records of one ingest partition, in columns."""

    v: int
    generation: int
    partition: int
    offsets: Annotated[bytes, msgspec.Meta(description="int64 n.")]
    indexes: Annotated[bytes, msgspec.Meta(description="int32 n.")]
    ingested_at: Annotated[bytes, msgspec.Meta(description="float64 n, seconds, the broker's clock.")]
    ids: list[str | None]
    subjects: list[str | None]
    batches: list[str | None]
    contexts: list[str | None]
    features: Annotated[bytes, msgspec.Meta(description="float64 n·d, the numbers; NaN: missing.")]
    classes: list[str]
    labels: Annotated[bytes, msgspec.Meta(description="int16 n: index into `classes`.")]
    margins: Annotated[bytes, msgspec.Meta(description="float64 n·(1|k).")]
    confidence: Annotated[bytes, msgspec.Meta(description="float32 n; NaN: unknown.")]
    model: int
    activation: int
    scored_at: float
    # Decoded apart, so that an unreadable shadow costs no record.
    shadow: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    writes: Annotated[
        list[tuple[int, str]], msgspec.Meta(description="Offset and key of the messages that were sent under a key.")
    ] = []
    strings: Annotated[
        list[list[str | None]], msgspec.Meta(description="A list of n for each category, in the order of the schema.")
    ] = []
    schema: Annotated[
        int | None, msgspec.Meta(description="The version of the features; absent: the model's, of numbers alone.")
    ] = None


# A block of ours is smaller, and its types bound the memory that it takes.
_decoder = Decoder(BlockWire, "prediction block", weighed_from_bytes=2 * BLOCK_MAX_BYTES)


def encode_block(block: Block) -> bytes:
    """One message of the `predictions` topic."""
    message: dict[str, Any] = {
        "v": VERSION,
        "generation": block.generation,
        "partition": block.partition,
        "offsets": block.offsets.astype("<i8").tobytes(),
        "indexes": block.indexes.astype("<i4").tobytes(),
        "ingested_at": block.ingested_at.astype("<f8").tobytes(),
        "ids": block.ids,
        "subjects": block.subjects,
        "batches": block.batches,
        "contexts": block.contexts,
        "features": block.features.astype("<f8").tobytes(),
        "classes": block.classes,
        "labels": block.labels.astype("<i2").tobytes(),
        "margins": block.margins.astype("<f8").tobytes(),
        "confidence": block.confidence.astype("<f4").tobytes(),
        "model": block.model,
        "activation": block.activation,
        "scored_at": block.scored_at,
    }
    if block.shadow is not None:
        message["shadow"] = shadow_fields(block.shadow)
    if block.writes:
        message["writes"] = block.writes
    if block.strings:
        message["strings"] = list(zip(*block.strings, strict=True))
    if block.schema is not None:
        message["schema"] = block.schema
    return bytes(msgpack.packb(message))


def decode_block(value: bytes | None, *, without_shadow: Callable[[BadMessage], None] | None = None) -> Block:
    """The block in one message. Where `shadow` can't be used, the block is returned without it.

    Args:
        without_shadow: called with the fault where a shadow is left out.

    Raises:
        BadMessage: it can't be read, or its columns don't match.
    """
    wire = _decoder.read(value)
    if wire.v != VERSION:
        raise BadMessage("version", f"a prediction block of version {wire.v}; this reads {VERSION}")
    n = len(wire.offsets) // 8
    k = len(wire.classes)
    if n == 0 or k < 2:
        raise BadMessage("invalid", f"a block of {n} records and {k} classes")
    numbers = (wire.generation, wire.partition, wire.model, wire.activation, wire.schema or 0)
    if min(numbers) < 0 or not np.isfinite(wire.scored_at):
        raise BadMessage("invalid", "generation, partition, model, activation and scored_at can't be negative")
    columns = len(wire.features) // (8 * n)
    if not wire.strings:
        columns = max(1, columns)
    strings = [read_texts(column, "strings", n) for column in wire.strings]
    block = Block(
        wire.generation,
        wire.partition,
        read_array(wire.offsets, "<i8", (n,), "offsets"),
        read_array(wire.indexes, "<i4", (n,), "indexes"),
        read_array(wire.ingested_at, "<f8", (n,), "ingested_at"),
        read_texts(wire.ids, "ids", n),
        read_texts(wire.subjects, "subjects", n),
        read_texts(wire.batches, "batches", n),
        read_texts(wire.contexts, "contexts", n),
        read_array(wire.features, "<f8", (n, columns), "features"),
        tuple(check_text(label, "a class") or "" for label in wire.classes),
        read_array(wire.labels, "<i2", (n,), "labels"),
        read_array(wire.margins, "<f8", (n, 1 if k == 2 else k), "margins"),
        read_array(wire.confidence, "<f4", (n,), "confidence"),
        wire.model,
        wire.activation,
        wire.scored_at,
        None if wire.shadow is msgspec.UNSET else _shadow(bytes(wire.shadow), n, without_shadow),
        tuple((at, check_text(key, "the key of a write", MAX_WRITE_KEY_BYTES) or "") for at, key in wire.writes),
        list(zip(*strings, strict=True)),
        wire.schema,
    )
    if block.labels.min() < 0 or block.labels.max() >= k:
        raise BadMessage("invalid", f"a label outside the {k} classes")
    if not np.isfinite(block.ingested_at).all() or block.offsets.min() < 0 or block.indexes.min() < 0:
        raise BadMessage("invalid", "an offset, index or time that can't be")
    return block


def _shadow(packed: bytes, n: int, rejected: Callable[[BadMessage], None] | None) -> ShadowAnswers | None:
    if packed in _NO_SHADOW:
        return None
    try:
        return read_shadow(packed, n)
    except BadMessage as exc:
        if rejected is not None:
            rejected(exc)
        return None


def least_block_bytes(features: int) -> int:
    """Minimum size of the message with the prediction of one record."""
    return 8 * features + _ROW_BYTES


def block_bounds(
    records: Records,
    classes: Sequence[str],
    shadow: ShadowAnswers | None = None,
    limit_bytes: int = BLOCK_MAX_BYTES,
    *,
    writes: bool = False,
) -> Iterator[slice]:
    """The fewest slices of `records` whose encoded blocks stay below `limit_bytes`, or have one record.

    Of `shadow` only the classes matter: each record's answers have the same size. `writes`: messages may have a key.
    """
    n = len(records)
    margin_columns = 1 if len(classes) == 2 else len(classes)
    strings_columns = len(records.strings[0]) if records.strings else 0
    row_bytes = 8 * (records.features.shape[1] - strings_columns + margin_columns) + 5 * strings_columns + _ROW_BYTES
    head_bytes = _HEAD_BYTES + _classes_bytes(classes)
    if writes:
        row_bytes += _WRITE_BYTES
    if shadow is not None:
        row_bytes += 8 * shadow.margins.shape[1] + _SHADOW_ROW_BYTES
        head_bytes += _SHADOW_HEAD_BYTES + _classes_bytes(shadow.classes)
    rows = np.full(n, row_bytes, dtype=np.int64)
    for column in (records.ids, records.subjects, records.batches, records.contexts):
        if column.count(None) < n:
            rows += np.fromiter((4 * len(text) if text else 0 for text in column), np.int64, n)
    if strings_columns:
        texts = ("".join(filter(None, levels)) for levels in records.strings)
        rows += np.fromiter((4 * len(text) for text in texts), np.int64, n)
    ends = np.cumsum(rows)
    start = 0
    while start < n:
        before = int(ends[start - 1]) if start else 0
        stop = int(np.searchsorted(ends, before + limit_bytes - head_bytes, side="right"))
        stop = max(stop, start + 1)
        yield slice(start, stop)
        start = stop


def _classes_bytes(classes: Sequence[str]) -> int:
    return sum(3 + len(label.encode()) for label in classes)
