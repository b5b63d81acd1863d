"""The features of a namespace's records: name and kind of each, and whether it may be missing.

A record's *row* holds one float64 per feature: first its numbers, then its strings (categories and texts), each in the
order of the schema. A string stands there as a code; NaN: the value is missing. What is stored and sent are the numbers
and strings themselves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from relearn.schemas.errors import BadMessage
from relearn.schemas.text import MAX_TEXT_BYTES, text_fault

Kind = Literal["number", "category", "text"]
KINDS: tuple[Kind, ...] = get_args(Kind)
#: Maximum size of one value of a text; a category's level has MAX_TEXT_BYTES.
MAX_WORDS_BYTES = 65_536
#: One value as it is sent and shown: a number, a level or a text, or None where it is missing.
Value = float | str | None
Strings = Sequence[str | None]
#: The string of each code that stands in some rows.
StringOf = Mapping[float, str]
NO_STRINGS: StringOf = {}


class Feature(NamedTuple):
    """One feature. `missing`: whether records may be without it."""

    name: str
    kind: Kind = "number"
    missing: bool = False


@dataclass(frozen=True, slots=True)
class FeatureSchema:
    """The features in their order.

    numbers, strings: their positions; strings are categories and texts. texts: those of the strings that are texts, by
    their place among the strings. known: the names. gaps: (d,) in the order of a row, which features may be missing.
    plain: there are only numbers, and none may be missing.
    """

    features: tuple[Feature, ...]
    names: tuple[str, ...] = field(init=False, repr=False, compare=False)
    numbers: tuple[int, ...] = field(init=False, repr=False, compare=False)
    strings: tuple[int, ...] = field(init=False, repr=False, compare=False)
    texts: tuple[int, ...] = field(init=False, repr=False, compare=False)
    gaps: NDArray[np.bool_] = field(init=False, repr=False, compare=False)
    plain: bool = field(init=False, repr=False, compare=False)
    known: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Derive the positions."""
        places = range(len(self.features))
        numbers = tuple(i for i in places if self.features[i].kind == "number")
        strings = tuple(i for i in places if self.features[i].kind != "number")
        derived: dict[str, Any] = {
            "names": tuple(one.name for one in self.features),
            "numbers": numbers,
            "strings": strings,
            "texts": tuple(j for j, i in enumerate(strings) if self.features[i].kind == "text"),
            "gaps": np.array([self.features[i].missing for i in (*numbers, *strings)], dtype=np.bool_),
            "known": frozenset(one.name for one in self.features),
            "plain": not strings and not any(one.missing for one in self.features),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.features)

    @property
    def row_names(self) -> tuple[str, ...]:
        """The names in the order of a row."""
        return tuple(self.names[i] for i in (*self.numbers, *self.strings))

    def values(self, numbers: Sequence[float], strings: Strings | None) -> list[Value]:
        """A stored record's values in the order of the schema."""
        if self.plain and strings is None:
            return list(numbers)
        found: list[Value] = [None] * len(self.features)
        for place, number in zip(self.numbers, numbers, strict=True):
            found[place] = None if math.isnan(number) else number
        for place, level in zip(self.strings, strings or (), strict=True):
            found[place] = level
        return found


def numbers_alone(names: Sequence[str]) -> FeatureSchema:
    """The schema of numbers that are never missing."""
    return FeatureSchema(tuple(Feature(name) for name in names))


def code_of(string: str) -> float:
    """A string's code: 53 bits of its BLAKE2b, a whole number that a float64 holds exactly."""
    return _kept_code(string) if len(string) <= MAX_TEXT_BYTES else _code(string)


def _code(string: str) -> float:
    return float(int.from_bytes(blake2b(string.encode("utf-8", "surrogatepass"), digest_size=8).digest()) >> 11)


# Of strings that levels can be: of texts it would keep 4 GB.
_kept_code = lru_cache(maxsize=1 << 16)(_code)


@lru_cache(maxsize=1 << 16)
def checked_code(level: str | None) -> float:
    """`code_of` a level, NaN where it is missing; what can't be a level raises ValueError."""
    if level is None:
        return math.nan
    if type(level) is not str or text_fault(level):
        raise ValueError
    return code_of(level)


def checked_text_code(text: str | None) -> float:
    """`code_of` a text, NaN where it is missing; what can't be a text raises ValueError."""
    if text is None:
        return math.nan
    if type(text) is not str or text_fault(text, MAX_WORDS_BYTES):
        raise ValueError
    return code_of(text)


def codes_of(strings: Strings) -> list[float]:
    """The codes of a record's strings; NaN where one is missing."""
    return [math.nan if level is None else code_of(level) for level in strings]


def row_of(numbers: Sequence[float] | NDArray[np.float64], strings: Strings | None) -> Any:
    """The row of a stored record: of numbers alone the same object, else an array. float64 (d,)."""
    return numbers if strings is None else np.array([*numbers, *codes_of(strings)], dtype=np.float64)


def rows_of_values(
    records: Sequence[Sequence[Value]], schema: FeatureSchema
) -> tuple[NDArray[np.float64], list[Strings]]:
    """(n, d) rows of records whose values are those of the schema, and the strings of each, if there are any."""
    if schema.plain:
        return np.array(records, dtype="<f8").reshape(len(records), len(schema)), []
    strings: list[Any] = [[values[i] for i in schema.strings] for values in records]
    numbers = [[math.nan if values[i] is None else values[i] for i in schema.numbers] for values in records]
    rows = [[*one, *codes_of(its)] for one, its in zip(numbers, strings, strict=True)]
    return np.array(rows, dtype="<f8").reshape(len(records), len(schema)), strings if schema.strings else []


def strings_by_code(strings: Iterable[Strings | None]) -> dict[float, str]:
    """The string of each code in these records' strings."""
    return {code_of(level): level for levels in strings if levels for level in levels if level is not None}


def same_kinds(one: FeatureSchema, other: FeatureSchema) -> bool:
    """Whether both are of the same records: features of the same names and kinds, missing or not."""
    return [feature[:2] for feature in one.features] == [feature[:2] for feature in other.features]


def values_of(schema: FeatureSchema | None, numbers: Sequence[float], strings: Strings | None) -> list[Value]:
    """A stored record's values in the order of the schema; where it is of another one, numbers before levels."""
    shape = (len(numbers), len(strings or ()))
    if schema is not None and shape == (len(schema.numbers), len(schema.strings)):
        return schema.values(numbers, strings)
    return [*(None if math.isnan(one) else one for one in numbers), *(strings or ())]


def limit_bytes(feature: Feature) -> int:
    """Maximum size of a string of this feature."""
    return MAX_WORDS_BYTES if feature.kind == "text" else MAX_TEXT_BYTES


def value_fault(value: object, feature: Feature) -> str | None:
    """What is wrong with one value of a record, with the feature's name; None: nothing."""
    fault: str | None = None
    if value is None:
        fault = None if feature.missing else "is missing, and may not be"
    elif feature.kind == "number":
        if isinstance(value, bool) or not isinstance(value, int | float):
            fault = f"should be a number, is {type(value).__name__}"
    elif not isinstance(value, str):
        are = "the levels of a category are" if feature.kind == "category" else "a text is"
        fault = f"should be a string, as {are}, is {type(value).__name__}"
    else:
        fault = text_fault(value, limit_bytes(feature))
    return f"feature {feature.name[:60]!r} {fault}" if fault else None


def schema_fields(schema: FeatureSchema) -> list[dict[str, Any]]:
    """The schema, JSON-able."""
    return [one._asdict() for one in schema.features]


def read_kind(given: str) -> Kind:
    """The kind of this name.

    Raises:
        BadMessage: there is none.
    """
    for kind in KINDS:
        if kind == given:
            return kind
    raise BadMessage("invalid", f"a feature's kind is {', '.join(KINDS[:-1])} or {KINDS[-1]}, not {given[:40]!r}")
