"""Decoding of an ingest message item by item: names the fault of each bad record and keeps the good ones.

`schemas.messages.ingest_fast_path` calls this only for messages that its typed decoder doesn't accept.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgpack
import numpy as np
from numpy.typing import NDArray

from relearn.schemas.errors import BadMessage
from relearn.schemas.features import FeatureSchema, Strings, rows_of_values, value_fault
from relearn.schemas.messages.forms.versions import Versions
from relearn.schemas.messages.ingest import NUMBERS_MAX, RECORDS_MAX
from relearn.schemas.messages.records import Fault, Pairs, Rows, Texts
from relearn.schemas.messages.weight import FRAMED_FIRST_BYTE, check_complete, is_json
from relearn.schemas.text import MAX_CONTEXT_BYTES, MAX_TEXT_BYTES, first_few, text_fault

#: The fault of a message in a schema registry's framing that no registry is set for.
NO_REGISTRY = "its first byte is 0, a schema registry's framing: set RELEARN_SCHEMA_REGISTRY_URL for the score workers"
#: The column of the message that holds each feature of the schema; None: the message is without it.
Order = list[int | None]


def read_with_faults(value: bytes, schema: FeatureSchema, versions: Versions | None = None) -> Rows:
    """The readable records of one message, and the faults of the others. versions: where features were changed.

    Raises:
        BadMessage: nothing in it can be read; `reason` is one of `unreadable` (neither MessagePack nor JSON),
            `invalid` (a field's type), `empty`, `dimension`, `names`, `length`, `not-finite`, `text`, `too-large`,
            `schema` (its first byte is that of a schema registry's framing), `version` (`schema` names none).
    """
    if value[0] == FRAMED_FIRST_BYTE:
        raise BadMessage("schema", NO_REGISTRY)
    return read_message(_as_map(parse(value, Pairs)), schema, versions)


def read_message(message: dict[str, Any], schema: FeatureSchema, versions: Versions | None = None) -> Rows:
    """As `read_with_faults`, of the map in a message that is parsed already.

    Raises:
        BadMessage: nothing in it can be read.
    """
    if "features" not in message:
        raise BadMessage("invalid", "there are no `features`")
    if versions is not None:
        return versions.read(message, read_message)
    return _read_many(message, schema) if message.get("n") is not None else _read_one(message, schema)


def parse(value: bytes, pairs: Callable[[list[tuple[Any, Any]]], Any] | None = None) -> Any:
    """The Python objects in a message, MessagePack or JSON. Text that isn't UTF-8 keeps its bytes.

    `pairs` makes a map's object from its pairs; None: a dict.

    Raises:
        BadMessage: with reason `unreadable`.
    """
    json_wanted = is_json(value)
    if not json_wanted:
        check_complete(value)
    try:
        if json_wanted:
            return json.loads(value.decode("utf-8", "surrogateescape"), object_pairs_hook=pairs)
        return msgpack.unpackb(
            value, object_pairs_hook=pairs, strict_map_key=False, unicode_errors="surrogateescape", timestamp=0
        )
    except (ValueError, RecursionError, msgpack.UnpackException) as exc:
        error = str(exc) or type(exc).__name__
        raise BadMessage("unreadable", f"neither MessagePack nor JSON: {error[:200]}") from exc


def _as_map(parsed: Any) -> dict[str, Any]:
    if not isinstance(parsed, Pairs):
        raise BadMessage("invalid", f"the message should be a map, is {type(parsed).__name__}")
    return {key: item for key, item in parsed if isinstance(key, str)}


def _read_one(message: dict[str, Any], schema: FeatureSchema) -> Rows:
    for name, limit in (("id", MAX_TEXT_BYTES), ("subject", MAX_TEXT_BYTES), ("context", MAX_CONTEXT_BYTES)):
        fault = text_fault(message.get(name), limit)
        if fault:
            raise BadMessage("text", f"`{name}` {fault}")
    given = message["features"]
    if isinstance(given, dict):
        given = Pairs(given.items())
    if isinstance(given, Pairs):
        given = _by_name(given, schema)
    elif isinstance(given, bytes):
        given = _unpack_row(given, schema)
    fault_found = _row_fault(given, schema)
    if fault_found:
        raise BadMessage(*fault_found)
    packed, strings = rows_of_values([given], schema)
    return Rows(
        packed.tobytes(),
        (0,),
        (message.get("id"),),
        (message.get("subject"),),
        (message.get("context"),),
        _batch(message),
        (),
        strings,
    )


def _by_name(pairs: Pairs, schema: FeatureSchema) -> list[Any]:
    names = [name for name, _ in pairs]
    _check_names(names, schema)
    given = dict(pairs)
    return [given.get(name) for name in schema.names]


def _check_names(names: Sequence[Any], schema: FeatureSchema) -> None:
    """Raises BadMessage unless each feature that may not be missing is named, none twice, and nothing else."""
    strange = [name for name in names if not isinstance(name, str) or name not in schema.known]
    if strange:
        raise BadMessage("names", f"unknown feature {shown_names(strange)}")
    counts = Counter(names)
    if len(counts) != len(names):
        twice = sorted(name for name, count in counts.items() if count > 1)
        raise BadMessage("names", f"given twice: {shown_names(twice)}")
    missing = [one.name for one in schema.features if one.name not in counts and not one.missing]
    if missing:
        raise BadMessage("names", f"missing feature {shown_names(missing)}")


def shown_names(names: Sequence[Any]) -> str:
    """The first of these names, quoted."""
    return first_few(names, show=lambda name: repr(name)[:60])


def _unpack_row(given: bytes, schema: FeatureSchema) -> list[float | None]:
    d = len(schema)
    _check_packed(schema)
    if len(given) != 8 * d:
        raise BadMessage("dimension", f"{len(given)} bytes of packed features; {d} float64 are {8 * d} bytes")
    values = np.frombuffer(given, dtype="<f8").tolist()
    pairs = zip(values, schema.features, strict=True)
    return [None if one.missing and math.isnan(value) else value for value, one in pairs]


def _check_packed(schema: FeatureSchema) -> None:
    if schema.strings:
        kinds = "texts" if len(schema.texts) == len(schema.strings) else "categories"
        raise BadMessage("invalid", f"packed features are numbers alone, and the schema has {kinds}: send a list")


def _row_fault(row: Any, schema: FeatureSchema, order: Order | None = None) -> tuple[str, str] | None:
    """What is wrong with one row given by position: reason and detail, or None."""
    if not isinstance(row, list) or isinstance(row, Pairs):
        return "invalid", f"features should be a list of numbers, is {type(row).__name__}"
    width = len(schema) if order is None else len(order) - order.count(None)
    if len(row) != width:
        return "dimension", f"{len(row)} features; the {'model' if order is None else 'message'} has {width}"
    for item, feature in zip(_ordered(row, order), schema.features, strict=True):
        if type(item) is float and feature.kind == "number":
            continue
        fault = value_fault(item, feature)
        if fault:
            return "invalid", fault
        if isinstance(item, int):
            try:
                float(item)
            except OverflowError:
                return "not-finite", f"feature {feature.name[:60]!r} is larger than any float64"
    return None


def _ordered(row: list[Any], order: Order | None) -> list[Any]:
    """A row of the message in the schema's order."""
    return row if order is None else [None if column is None else row[column] for column in order]


def _read_many(message: dict[str, Any], schema: FeatureSchema) -> Rows:
    n, d = message["n"], len(schema)
    if isinstance(n, bool) or not isinstance(n, int):
        raise BadMessage("invalid", f"`n` should be a whole number, is {type(n).__name__}")
    if n < 1:
        raise BadMessage("empty" if n == 0 else "invalid", f"`n` is {str(n)[:20]}; there are no records")
    check_size(n, d)
    given = message["features"]
    matrix = _packed_rows(given, n, schema) if isinstance(given, bytes) else None
    rows = _list_rows(given, n) if matrix is None else ()
    order = _order(message.get("names"), schema)
    if matrix is not None and order is not None and None in order:
        raise BadMessage("names", "packed features hold every feature of the schema: NaN where one is missing")
    texts = {name: _texts(message.get(name), name, n) for name in ("ids", "subjects", "contexts")}
    good: list[int] = []
    faults: list[Fault] = []
    alike: dict[tuple[str, str], tuple[str, str]] = {}  # a million equal faults share their texts
    for index in range(n):
        found = (_row_fault(rows[index], schema, order) if matrix is None else None) or _text_faults(texts, index)
        if found:
            faults.append(Fault(index, *alike.setdefault(found, found)))
        else:
            good.append(index)
    strings: Sequence[Strings] = ()
    if matrix is None:
        matrix, strings = rows_of_values([_ordered(rows[index], order) for index in good], schema)
    else:
        columns = range(d) if order is None else [column for column in order if column is not None]
        matrix = matrix[good][:, list(columns)]
    return Rows(
        np.ascontiguousarray(matrix).tobytes(),
        good,
        [texts["ids"][index] for index in good],
        [texts["subjects"][index] for index in good],
        [texts["contexts"][index] for index in good],
        _batch(message),
        faults,
        strings,
    )


def check_size(n: int, d: int) -> None:
    """Return if a message may hold n records of d features.

    Raises:
        BadMessage: with reason `too-large`.
    """
    if n > RECORDS_MAX or n * d > NUMBERS_MAX:
        most = min(RECORDS_MAX, NUMBERS_MAX // d)
        raise BadMessage("too-large", f"`n` is {str(n)[:20]}; a message holds at most {most} records of {d} features")


def _packed_rows(given: bytes, n: int, schema: FeatureSchema) -> NDArray[np.float64]:
    d = len(schema)
    _check_packed(schema)
    if len(given) != n * d * 8:
        raise BadMessage("dimension", f"{len(given)} bytes of packed features; {n} rows of {d} are {n * d * 8} bytes")
    return np.frombuffer(given, dtype="<f8").reshape(n, d)


def _list_rows(given: Any, n: int) -> list[Any]:
    if not isinstance(given, list) or isinstance(given, Pairs):
        raise BadMessage("invalid", f"`features` should be packed bytes or a list of rows, is {type(given).__name__}")
    if len(given) != n:
        raise BadMessage("length", f"`n` is {n}, `features` has {len(given)} rows")
    return given


def _order(names: Any, schema: FeatureSchema) -> Order | None:
    """The order of the message; None without names: the schema's own."""
    if names is None:
        return None
    if not isinstance(names, list):
        raise BadMessage("invalid", f"`names` should be a list, is {type(names).__name__}")
    _check_names(names, schema)
    column_of = {name: column for column, name in enumerate(names)}
    return [column_of.get(name) for name in schema.names]


def _texts(given: Any, name: str, n: int) -> Texts:
    if given is None:
        return [None] * n
    if not isinstance(given, list):
        raise BadMessage("invalid", f"`{name}` should be a list, is {type(given).__name__}")
    if len(given) != n:
        raise BadMessage("length", f"`n` is {n}, `{name}` has {len(given)} entries")
    return given


def _text_faults(texts: dict[str, Texts], index: int) -> tuple[str, str] | None:
    for name, column in texts.items():
        fault = text_fault(column[index], MAX_CONTEXT_BYTES if name == "contexts" else MAX_TEXT_BYTES)
        if fault:
            return "text", f"`{name}` {fault}"
    return None


def _batch(message: dict[str, Any]) -> str | None:
    fault = text_fault(message.get("batch"))
    if fault:
        raise BadMessage("text", f"`batch` {fault}")
    return message.get("batch")
