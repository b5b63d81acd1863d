"""Decoding of a chunk of ingest messages, fast where they are well-formed.

A typed decoder reads well-formed messages by position, and single records by name where features aren't numbers alone.
`schemas.messages.ingest_faults` reads every message that the typed decoder rejects, and all others by name: slower,
item by item, it names each fault and keeps the good records.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

import msgspec
import numpy as np
from msgspec import UNSET

from relearn.schemas.errors import BadMessage
from relearn.schemas.features import Feature, FeatureSchema, Strings, Value, checked_code, checked_text_code
from relearn.schemas.messages.ingest import ManyRecords, OneRecord
from relearn.schemas.messages.ingest_faults import check_size, read_with_faults
from relearn.schemas.messages.records import (
    Fault,
    OneTexts,
    RawMessage,
    Records,
    RecordsBuilder,
    Reject,
    Rows,
    UnreadMessage,
)
from relearn.schemas.messages.weight import JSON_FIRST_BYTE, WEIGHED_FROM_BYTES, check_weight
from relearn.schemas.text import MAX_CONTEXT_BYTES, MAX_TEXT_BYTES, text_fault

_one_packed = msgspec.msgpack.Decoder(OneRecord).decode
_one_json = msgspec.json.Decoder(OneRecord).decode
_values_of = msgspec.structs.astuple
_many_packed = msgspec.msgpack.Decoder(ManyRecords).decode
_many_json = msgspec.json.Decoder(ManyRecords).decode

#: Records and faults of one part: what is decoded at a time beside the messages themselves.
PART_RECORDS = 65_536


class ForeignMessages(Protocol):
    """Reads messages of other shapes than Relearn's own (`schemas.foreign.reader`)."""

    def add(self, builder: RecordsBuilder, message: RawMessage, pack_row: Callable[..., bytes]) -> bool:
        """Add the record of one message, or its fault. False: the message is none of those."""
        ...


def decode_parts(
    messages: Iterable[RawMessage], schema: FeatureSchema, foreign: ForeignMessages | None = None
) -> Iterator[tuple[Records, list[Reject]]]:
    """All records of a chunk in columns, and those that can't be scored, in parts.

    `foreign` reads what is not of a form of Relearn's own, where a mapping or a schema registry is set.

    Each part ends with the message that brings it to PART_RECORDS records or more. Never raises for what a message
    holds: every record of every message is in exactly one of the two results of one part.
    """
    pack_row = struct.Struct(f"<{len(schema)}d").pack
    mixed = None if schema.plain else mixed_reader(schema)
    builder = RecordsBuilder(schema)
    for message in messages:
        if foreign is None or not foreign.add(builder, message, pack_row):
            _add(builder, message, pack_row, mixed)
        if len(builder.indexes) + len(builder.rejects) >= PART_RECORDS:
            yield builder.finish()
            builder = RecordsBuilder(schema)
    if builder.indexes or builder.rejects:
        yield builder.finish()


def _add(
    builder: RecordsBuilder, message: RawMessage, pack_row: Callable[..., bytes], mixed: MixedReader | None
) -> None:
    """Add the records of one message, or its faults."""
    value, schema = message.value, builder.schema
    if type(message) is UnreadMessage:
        builder.rejects.append(Reject(message, message.fault))
        return
    if not value:
        builder.rejects.append(Reject(message, Fault(0, "empty", "the message has no value")))
        return
    try:
        if len(value) >= WEIGHED_FROM_BYTES:
            check_weight(value)
        if not schema.strings and _add_single(builder, message, value, pack_row):
            return
        if mixed is not None and _add_mixed(builder, message, value, pack_row, mixed):
            return
        many = None if schema.strings else _read_many(value, len(schema))
        builder.add_rows(message, many or read_with_faults(value, schema))
    except BadMessage as exc:
        builder.rejects.append(Reject(message, Fault(exc.index, exc.reason, exc.detail)))


def _add_single(builder: RecordsBuilder, message: RawMessage, value: bytes, pack_row: Callable[..., bytes]) -> bool:
    """Add a well-formed single record given by position; False where the message is anything else."""
    try:
        one = _one_json(value) if value[0] == JSON_FIRST_BYTE else _one_packed(value)
    except (ValueError, RecursionError):
        return False
    features, d = one.features, builder.width
    if one.n is not None or len(features) != (d if type(features) is list else 8 * d) or _has_bad_text(one):
        return False
    packed = features if isinstance(features, bytes) else pack_row(*features)
    builder.add_one(message, packed, one)
    return True


def _add_mixed(
    builder: RecordsBuilder, message: RawMessage, value: bytes, pack_row: Callable[..., bytes], mixed: MixedReader
) -> bool:
    """As `_add_single`, of a schema with categories or with values that may be missing; by name as well."""
    found = mixed.read(value)
    if found is None or _has_bad_text(found.texts):
        return False
    try:
        packed = pack_row(*found.numbers, *found.codes)
    except struct.error:
        return False
    builder.add_one(message, packed, found.texts)
    if found.strings:
        builder.strings.append(found.strings)
    return True


def _has_bad_text(one: OneTexts) -> bool:
    return bool(
        (one.id is not None and text_fault(one.id))
        or (one.subject is not None and text_fault(one.subject))
        or (one.batch is not None and text_fault(one.batch))
        or (one.context is not None and text_fault(one.context, MAX_CONTEXT_BYTES))
    )


def _read_many(value: bytes, d: int) -> Rows | None:
    """The rows of a well-formed many-record message given by position; None where it is anything else.

    Raises:
        BadMessage: with reason `too-large`.
    """
    try:
        many = _many_json(value) if value[0] == JSON_FIRST_BYTE else _many_packed(value)
    except (ValueError, RecursionError):
        return None
    n = many.n
    if n > 0:
        check_size(n, d)
    if n < 1 or many.names is not None or text_fault(many.batch):
        return None
    nothing: list[str | None] = [None] * min(n, len(value))
    columns = [many.ids or nothing, many.subjects or nothing, many.contexts or nothing]
    if any(len(column) != n for column in columns):
        return None
    limits = (MAX_TEXT_BYTES, MAX_TEXT_BYTES, MAX_CONTEXT_BYTES)
    if any(text_fault(item, limit) for column, limit in zip(columns, limits, strict=True) for item in column):
        return None
    packed = _matrix_bytes(many.features, n, d)
    return None if packed is None else Rows(packed, range(n), columns[0], columns[1], columns[2], many.batch, ())


def _matrix_bytes(features: bytes | list[list[float]], n: int, d: int) -> bytes | None:
    if isinstance(features, bytes):
        return features if len(features) == n * d * 8 else None
    if len(features) != n or any(len(row) != d for row in features):
        return None
    return np.array(features, dtype="<f8").tobytes()


class _Codes(dict[str | None, float]):
    """`checked_code` of each level, looked up in a third of the time that a cached function takes."""

    def __missing__(self, level: str | None) -> float:
        if len(self) >= _CODES_MAX:
            self.clear()
        code = self[level] = checked_code(level)
        return code


_CODES_MAX = 1 << 16
_CODES = _Codes()


class MixedRecord(NamedTuple):
    """One record: its numbers and the codes of its strings, NaN where one is missing, and the strings."""

    texts: OneTexts
    numbers: Sequence[Any]
    codes: Sequence[float]
    strings: Strings


class MixedReader:
    """Reads the records of one schema. `mixed_reader` keeps those that were made."""

    def __init__(self, schema: FeatureSchema) -> None:
        self._schema = schema
        self._json, self._packed, self._features = _decoders(schema)
        self._numbers, self._strings = _items(schema.numbers), _items(schema.strings)
        kinds = [schema.features[i].kind for i in schema.strings]
        self._checks = [checked_text_code if kind == "text" else checked_code for kind in kinds]
        self._all_levels, self._gaps = not schema.texts, bool(schema.gaps.any())
        self._n_numbers = len(schema.numbers)

    def read(self, value: bytes) -> MixedRecord | None:
        """The record in a well-formed message; None where the message is anything else, or needs a closer look."""
        try:
            if value[0] == JSON_FIRST_BYTE:
                one, pairs = self._json(value), None
                features = one.features
            else:
                one = self._packed(value)
                features, pairs = self._features(one.features), _pairs(bytes(one.features))
            if one.n is not None:
                return None
            if type(features) is list:
                if not self._may_be(features):
                    return None
                numbers, strings = self._numbers(features), self._strings(features)
            else:
                values = _values_of(features)
                absent = values.count(UNSET) if self._gaps else 0
                if not _named_once(value, one, len(values) - absent, pairs):
                    return None
                if absent:
                    values = tuple(None if item is UNSET else item for item in values)
                # By name they are decoded in the order of a row.
                numbers, strings = values[: self._n_numbers], values[self._n_numbers :]
            if self._all_levels:
                codes = [*map(_CODES.__getitem__, strings)]
            else:
                codes = [check(string) for check, string in zip(self._checks, strings, strict=True)]
        except (ValueError, TypeError, RecursionError):
            return None
        if self._gaps and None in numbers:
            numbers = [math.nan if item is None else item for item in numbers]
        return MixedRecord(one, numbers, codes, strings)

    def _may_be(self, values: Sequence[Value]) -> bool:
        """Whether a list can be a record as far as its size and its gaps go."""
        if len(values) != len(self._schema):
            return False
        pairs = zip(values, self._schema.features, strict=True)
        return None not in values or all(feature.missing for value, feature in pairs if value is None)


@lru_cache(maxsize=16)
def mixed_reader(schema: FeatureSchema) -> MixedReader | None:
    """The reader of a schema; its types take some milliseconds to make.

    None: a feature has a quote, a backslash or a control character in its name, which types can't be made for.
    """
    try:
        return MixedReader(schema)
    except ValueError:
        return None


def _items(places: Sequence[int]) -> Callable[[Any], Sequence[Any]]:
    if len(places) > 1:
        return itemgetter(*places)
    return lambda values: [values[i] for i in places]


def _named_once(value: bytes, one: Any, given: int, pairs: int | None) -> bool:
    """Whether none of the `given` names is given twice: the last one would count silently.

    A map in JSON has one comma less than pairs; other commas, in texts or in keys that are ignored, only add to them.
    """
    if pairs is not None:
        return pairs <= given
    texts = (one.id, one.subject, one.batch, one.context)
    return value.count(b",") == given - 1 + 4 - texts.count(None)


def _pairs(raw: bytes) -> int:
    """The number of pairs in a packed map; 0 of a list."""
    first = raw[0]
    if first & 0xF0 == 0x80:
        return first & 0x0F
    return int.from_bytes(raw[1 : 3 if first == 0xDE else 5]) if first in {0xDE, 0xDF} else 0


def _decoders(schema: FeatureSchema) -> tuple[Callable[[bytes], Any], Callable[[bytes], Any], Callable[[Any], Any]]:
    """Of a whole message in JSON; of one in MessagePack, which leaves `features` to the third."""
    in_row = [schema.features[i] for i in (*schema.numbers, *schema.strings)]
    fields = [_field(f"f{i}", feature) for i, feature in enumerate(in_row)]
    names = {f"f{i}": feature.name for i, feature in enumerate(in_row)}
    by_name = msgspec.defstruct("ByName", fields, rename=names, forbid_unknown_fields=True, kw_only=True, gc=False)
    features: Any = list[Value] | by_name
    texts: list[Any] = [(name, str | None, None) for name in ("id", "subject", "batch", "context")]
    whole, apart = (
        msgspec.defstruct("OneMixedRecord", [("features", kind), ("n", int | None, None), *texts], gc=False)
        for kind in (features, msgspec.Raw)
    )
    return (
        msgspec.json.Decoder(whole).decode,
        msgspec.msgpack.Decoder(apart).decode,
        msgspec.msgpack.Decoder(features).decode,
    )


def _field(name: str, feature: Feature) -> Any:
    kind: Any = float if feature.kind == "number" else str
    return (name, kind | None | msgspec.UnsetType, UNSET) if feature.missing else (name, kind)
