"""Records → messages of `ingest`, cut so that several workers share a large batch. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from relearn.schemas.features import Value
from relearn.schemas.messages.ingest import CE_TYPE_MANY, CE_TYPE_ONE, encode_record, encode_records
from relearn.schemas.messages.records import Texts
from relearn.schemas.model.linear_svm import Floats
from relearn.schemas.topics import INGEST_MAX_BYTES

#: Maximum size of a message's records.
PACK_BYTES = 1_000_000
#: Leaves room for headers and framing, which the broker counts too.
MESSAGE_MAX_BYTES = INGEST_MAX_BYTES - 64 * 1024
#: Maximum overhead of MessagePack per text.
_AROUND_BYTES = 3


@dataclass(frozen=True, slots=True)
class Columns:
    """n records. features: (n, d) float64, finite, or the values of each. names: of the d; None: the schema's order."""

    features: Floats | Sequence[Sequence[Value]]
    names: Sequence[str] | None
    batch: str
    ids: Texts | None = None
    subjects: Texts | None = None
    contexts: Texts | None = None

    def between(self, part: slice) -> Columns:
        """The records of a slice."""
        ids, subjects, contexts = (column and column[part] for column in (self.ids, self.subjects, self.contexts))
        return Columns(self.features[part], self.names, self.batch, ids, subjects, contexts)


class Packed(NamedTuple):
    """One message: bytes, CloudEvents type, number of records."""

    value: bytes
    kind: str
    records: int


def pack(columns: Columns, cut_bytes: int = PACK_BYTES) -> list[Packed]:
    """The messages in the order of their records. A large record may make one exceed MESSAGE_MAX_BYTES."""
    return [_packed(columns.between(part)) for part in _parts(columns, cut_bytes)]


def _parts(columns: Columns, cut_bytes: int) -> Iterator[slice]:
    """Slices of at most `cut_bytes`, or of one record."""
    n = len(columns.features)
    if isinstance(columns.features, np.ndarray):
        sizes_bytes = np.full(n, 8 * columns.features.shape[1], np.int64)
    else:
        sizes_bytes = np.array([sum(map(_value_bytes, row)) for row in columns.features], np.int64)
    for column in (columns.ids, columns.subjects, columns.contexts):
        if column is not None:
            sizes_bytes += [_AROUND_BYTES + len((text or "").encode()) for text in column]
    ends = np.cumsum(sizes_bytes)
    start = before = 0
    while start < n:
        stop = max(start + 1, int(np.searchsorted(ends, before + cut_bytes, side="right")))
        yield slice(start, stop)
        start, before = stop, int(ends[stop - 1])


def _value_bytes(value: Value) -> int:
    return _AROUND_BYTES + len(value.encode()) if isinstance(value, str) else 9


def _packed(part: Columns) -> Packed:
    if len(part.features) > 1:
        texts = {"ids": part.ids, "subjects": part.subjects, "contexts": part.contexts}
        value = encode_records(part.features, batch=part.batch, names=part.names, **texts)
        return Packed(value, CE_TYPE_MANY, len(part.features))
    row = part.features[0]
    value = encode_record(
        row if part.names is None else dict(zip(part.names, _listed(row), strict=True)),
        record_id=part.ids[0] if part.ids else None,
        subject=part.subjects[0] if part.subjects else None,
        batch=part.batch,
        context=part.contexts[0] if part.contexts else None,
    )
    return Packed(value, CE_TYPE_ONE, 1)


def _listed(row: Floats | Sequence[Value]) -> list[Value]:
    found: list[Value] = row.tolist() if isinstance(row, np.ndarray) else list(row)
    return found
