"""Decoding of a chunk of ingest messages, fast where they are well-formed.

A typed decoder reads well-formed messages by position, and single records by name where features aren't numbers alone.
`schemas.messages.ingest_faults` reads every message that the typed decoder rejects, and all others by name: slower,
item by item, it names each fault and keeps the good records.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

import msgspec
import numpy as np

from relearn.schemas.errors import BadMessage
from relearn.schemas.features import FeatureSchema
from relearn.schemas.messages.forms.mixed import MixedReader, mixed_reader
from relearn.schemas.messages.forms.versions import OlderRows, Versions
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
_many_packed = msgspec.msgpack.Decoder(ManyRecords).decode
_many_json = msgspec.json.Decoder(ManyRecords).decode

#: Records and faults of one part: what is decoded at a time beside the messages themselves.
PART_RECORDS = 65_536
#: Versions before the newest whose records are read fast: those that producers may still send.
FAST_VERSIONS = 8


class ForeignMessages(Protocol):
    """Reads messages of other shapes than Relearn's own (`schemas.foreign.reader`)."""

    def add(self, builder: RecordsBuilder, message: RawMessage, pack_row: Callable[..., bytes]) -> bool:
        """Add the record of one message, or its fault. False: the message is none of those."""
        ...


def decode_parts(
    messages: Iterable[RawMessage],
    schema: FeatureSchema,
    foreign: ForeignMessages | None = None,
    versions: Versions | None = None,
) -> Iterator[tuple[Records, list[Reject]]]:
    """All records of a chunk in columns, and those that can't be scored, in parts.

    `foreign` reads what is not of a form of Relearn's own, where a mapping or a schema registry is set. `versions`,
    whose newest has `schema`, reads records of other versions where features were changed.

    Each part ends with the message that brings it to PART_RECORDS records or more. Never raises for what a message
    holds: every record of every message is in exactly one of the two results of one part.
    """
    pack_row = struct.Struct(f"<{len(schema)}d").pack
    mixed = None if schema.plain or versions is not None else mixed_reader(schema)
    forms = None if versions is None else _forms_of(versions)
    builder = RecordsBuilder(schema, versions)
    for message in messages:
        if foreign is None or not foreign.add(builder, message, pack_row):
            if forms is None:
                _add(builder, message, pack_row, mixed)
            else:
                _add_versioned(builder, message, forms)
        if len(builder.indexes) + len(builder.rejects) >= PART_RECORDS:
            yield builder.finish()
            builder = RecordsBuilder(schema, versions)
    if builder.indexes or builder.rejects:
        yield builder.finish()


def _add(
    builder: RecordsBuilder, message: RawMessage, pack_row: Callable[..., bytes], mixed: MixedReader | None
) -> None:
    """Add the records of one message, or its faults."""
    value, schema = message.value, builder.schema
    if type(message) is UnreadMessage or not value:
        builder.rejects.append(Reject(message, _unread(message)))
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


def _unread(message: RawMessage) -> Fault:
    return message.fault if type(message) is UnreadMessage else Fault(0, "empty", "the message has no value")


class _Form(NamedTuple):
    """What reads the records of one version. rows: None of the newest."""

    rows: OlderRows | None
    pack_row: Callable[..., bytes]
    mixed: MixedReader | None


class _Forms:
    """The forms of records of a chain, the one that read the last message first."""

    def __init__(self, versions: Versions) -> None:
        newest = versions.newest
        chosen = [None, *versions.lists()[:FAST_VERSIONS]]
        defaults = [newest.defaults, *({} for _ in chosen[1:])]
        schemas = [newest.schema, *(rows.schema for rows in chosen if rows is not None)]
        self.versions = versions
        self.each = [
            _Form(rows, struct.Struct(f"<{len(schema)}d").pack, mixed_reader(schema, tuple(absent.items())))
            for rows, schema, absent in zip(chosen, schemas, defaults, strict=True)
        ]
        alone = not any(one.strings for one in schemas)
        #: By the number of values, where all versions are of numbers alone: a list is decoded once.
        self.by_width = dict(zip(map(len, schemas), self.each, strict=True)) if alone else {}

    def add(self, builder: RecordsBuilder, message: RawMessage, value: bytes) -> bool:
        """Add the record, or the records, of a well-formed message; False where it is anything else."""
        if self.by_width and self._add_listed(builder, message, value):
            return True
        for place, form in enumerate(self.each):
            if form.rows is not None:
                form.rows.target = builder
            rows = builder if form.rows is None else form.rows
            if _add_form(rows, message, value, form, listed=bool(self.by_width)):
                if place:
                    self.each.insert(0, self.each.pop(place))
                return True
        return False

    def _add_listed(self, builder: RecordsBuilder, message: RawMessage, value: bytes) -> bool:
        """As `_add_single`, of the version that has as many features."""
        try:
            one = _one_json(value) if value[0] == JSON_FIRST_BYTE else _one_packed(value)
        except (ValueError, RecursionError):
            return False
        features = one.features
        width, rest = (len(features), 0) if isinstance(features, list) else divmod(len(features), 8)
        form = self.by_width.get(width)
        if form is None or rest or one.n is not None or _has_bad_text(one):
            return False
        packed = features if isinstance(features, bytes) else form.pack_row(*features)
        if form.rows is None:
            builder.add_one(message, packed, one)
        else:
            form.rows.target = builder
            form.rows.add_one(message, packed, one)
        return True


def _forms_of(versions: Versions) -> _Forms:
    """The forms of a chain, made once: their types take some milliseconds."""
    if versions.forms is None:
        versions.forms = _Forms(versions)
    forms: _Forms = versions.forms
    return forms


def _add_form(
    rows: RecordsBuilder | OlderRows, message: RawMessage, value: bytes, form: _Form, *, listed: bool
) -> bool:
    """listed: a list of one record would be read already."""
    if not listed and not rows.schema.strings and _add_single(rows, message, value, form.pack_row):
        return True
    if form.mixed is not None and _add_mixed(rows, message, value, form.pack_row, form.mixed):
        return True
    many = None if rows.schema.strings else _read_many(value, rows.width)
    if many is None:
        return False
    if isinstance(rows, OlderRows):
        rows.target.add_rows(message, rows.projected(many))
    else:
        rows.add_rows(message, many)
    return True


def _add_versioned(builder: RecordsBuilder, message: RawMessage, forms: _Forms) -> None:
    """As `_add`, of records of any version. A message that names its version is read item by item."""
    value = message.value
    if type(message) is UnreadMessage or not value:
        builder.rejects.append(Reject(message, _unread(message)))
        return
    try:
        if len(value) >= WEIGHED_FROM_BYTES:
            check_weight(value)
        if b"schema" not in value and forms.add(builder, message, value):
            return
        builder.add_rows(message, read_with_faults(value, builder.schema, forms.versions))
    except BadMessage as exc:
        builder.rejects.append(Reject(message, Fault(exc.index, exc.reason, exc.detail)))


def _add_single(
    builder: RecordsBuilder | OlderRows, message: RawMessage, value: bytes, pack_row: Callable[..., bytes]
) -> bool:
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
    builder: RecordsBuilder | OlderRows,
    message: RawMessage,
    value: bytes,
    pack_row: Callable[..., bytes],
    mixed: MixedReader,
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
