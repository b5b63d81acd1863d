"""A typed reader of single records whose features aren't numbers alone, by position or by name.

`schemas.messages.ingest_fast_path` calls it; what it doesn't read needs a closer look.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET

from relearn.schemas.features import Feature, FeatureSchema, Strings, Value, checked_code, checked_text_code
from relearn.schemas.messages.records import OneTexts
from relearn.schemas.messages.weight import JSON_FIRST_BYTE

_values_of = msgspec.structs.astuple


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

    def __init__(self, schema: FeatureSchema, defaults: Mapping[str, Value]) -> None:
        self._schema = schema
        #: In the order of a row, what stands for a name that is absent.
        self._absent = tuple(defaults.get(name) for name in schema.row_names)
        self._may_lack = bool(schema.gaps.any()) or bool(defaults)
        self._json, self._packed, self._features = _decoders(schema, defaults)
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
                absent = values.count(UNSET) if self._may_lack else 0
                if not _named_once(value, one, len(values) - absent, pairs):
                    return None
                if absent:
                    pairs_of = zip(values, self._absent, strict=True)
                    values = tuple(default if item is UNSET else item for item, default in pairs_of)
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
def mixed_reader(schema: FeatureSchema, defaults: tuple[tuple[str, Value], ...] = ()) -> MixedReader | None:
    """The reader of a schema; its types take some milliseconds to make. defaults: by name, of what may be absent.

    None: a feature has a quote, a backslash or a control character in its name, which types can't be made for.
    """
    try:
        return MixedReader(schema, dict(defaults))
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


def _decoders(
    schema: FeatureSchema, defaults: Mapping[str, Value]
) -> tuple[Callable[[bytes], Any], Callable[[bytes], Any], Callable[[Any], Any]]:
    """Of a whole message in JSON; of one in MessagePack, which leaves `features` to the third."""
    in_row = [schema.features[i] for i in (*schema.numbers, *schema.strings)]
    fields = [_field(f"f{i}", feature, optional=feature.name in defaults) for i, feature in enumerate(in_row)]
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


def _field(name: str, feature: Feature, *, optional: bool) -> Any:
    kind: Any = float if feature.kind == "number" else str
    if feature.missing:
        return (name, kind | None | msgspec.UnsetType, UNSET)
    return (name, kind | msgspec.UnsetType, UNSET) if optional else (name, kind)
