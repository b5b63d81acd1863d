"""The encoder as data: how a row of numbers and strings becomes the columns that a linear model has weights for.

Columns: the numbers, imputed where they are missing; an indicator of each number that was missing in training; then of
each category one column per level, one for all other levels and one for missing; of each text one per bucket of words
that training saw, and one for missing. `agents.learning.encode` applies it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relearn.schemas.features import Feature, FeatureSchema, Kind, code_of
from relearn.schemas.text import text_fault

#: Maximum number of levels of one category that have a column of their own: the most frequent ones.
LEVELS_MAX = 256
#: Maximum number of columns, those of texts not counted.
COLUMNS_MAX = 16_384
#: A text's words have between 2**BITS_MIN and 2**BITS_MAX buckets.
BITS_MIN, BITS_MAX = 12, 18


class NumberPart(NamedTuple):
    """`imputed`: what stands for a missing value. `indicator`: whether a column is 1 where it is missing."""

    missing: bool
    imputed: float
    indicator: bool


class CategoryPart(NamedTuple):
    """`levels`: those with a column of their own."""

    missing: bool
    levels: tuple[str, ...]


class TextPart(NamedTuple):
    """Words are hashed to 2**`bits` buckets. `texts`: how many training saw.

    buckets: (m,) little-endian int32, ascending, those that training saw. idf: (m,) little-endian float64, their
    inverse document frequencies, as scikit-learn's TfidfTransformer smooths them.
    """

    missing: bool
    bits: int
    texts: int
    buckets: bytes
    idf: bytes

    def places(self) -> NDArray[np.int32]:
        """The buckets, (m,)."""
        return np.frombuffer(self.buckets, dtype="<i4")

    def weights(self) -> NDArray[np.float64]:
        """The inverse document frequencies, (m,)."""
        return np.frombuffer(self.idf, dtype="<f8")


Part = NumberPart | CategoryPart | TextPart


@dataclass(frozen=True, slots=True)
class Encoder:
    """One part per feature, in the order of the schema.

    Raises:
        ValueError: a part can't be.
    """

    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        """Check the values."""
        for part in self.parts:
            _check(part)
        texts = sum(map(columns_of, self.texts))
        if self.width - texts > COLUMNS_MAX:
            raise ValueError(f"{self.width - texts} columns")

    @property
    def numbers(self) -> list[NumberPart]:
        """The parts of the numbers, in their order."""
        return [part for part in self.parts if isinstance(part, NumberPart)]

    @property
    def strings(self) -> list[CategoryPart | TextPart]:
        """The parts of the categories and texts, in their order."""
        return [part for part in self.parts if not isinstance(part, NumberPart)]

    @property
    def categories(self) -> list[CategoryPart]:
        """The parts of the categories, in their order."""
        return [part for part in self.parts if isinstance(part, CategoryPart)]

    @property
    def texts(self) -> list[TextPart]:
        """The parts of the texts, in their order."""
        return [part for part in self.parts if isinstance(part, TextPart)]

    @property
    def width(self) -> int:
        """The number of columns."""
        numbers = self.numbers
        return len(numbers) + sum(part.indicator for part in numbers) + sum(map(columns_of, self.strings))

    def schema(self, names: Sequence[str]) -> FeatureSchema:
        """The schema of the records that it encodes. `names`: of the features."""
        pairs = zip(names, self.parts, strict=True)
        return FeatureSchema(tuple(Feature(name, kind_of(part), part.missing) for name, part in pairs))


def columns_of(part: CategoryPart | TextPart) -> int:
    """The number of columns of a string: of a category its levels, the others, and missing."""
    return len(part.levels) + 2 if isinstance(part, CategoryPart) else len(part.buckets) // 4 + 1


def kind_of(part: Part) -> Kind:
    """The kind of the feature."""
    return _KINDS[type(part)]


_KINDS: Mapping[type[Part], Kind] = {NumberPart: "number", CategoryPart: "category", TextPart: "text"}


def _check(part: Part) -> None:
    if isinstance(part, NumberPart):
        if not math.isfinite(part.imputed):
            raise ValueError("an imputed value that isn't finite")
    elif isinstance(part, TextPart):
        _check_text(part)
    elif any(text_fault(level) for level in part.levels) or len(part.levels) > LEVELS_MAX:
        raise ValueError("levels that can't be")
    elif len({code_of(level) for level in part.levels}) != len(part.levels):
        raise ValueError("a level stands there twice")


def _check_text(part: TextPart) -> None:
    if not BITS_MIN <= part.bits <= BITS_MAX or part.texts < 0 or len(part.buckets) % 4:
        raise ValueError("words of a text that can't be")
    places, idf = part.places(), part.weights()
    if len(places) != len(idf) or not np.isfinite(idf).all() or (idf < 1.0).any():
        raise ValueError("inverse document frequencies that can't be")
    if len(places) and (places[0] < 0 or places[-1] >> part.bits or (np.diff(places) <= 0).any()):
        raise ValueError("buckets that can't be")


def encoder_fields(encoder: Encoder) -> list[dict[str, Any]]:
    """The encoder in the signed body of a model."""
    return [{"kind": kind_of(part), **part._asdict()} for part in encoder.parts]


def encoder_from_fields(fields: object) -> Encoder:
    """The encoder in fields written by `encoder_fields`.

    Raises:
        ValueError: they can't be an encoder.
    """
    if not isinstance(fields, Sequence) or not all(isinstance(one, Mapping) for one in fields):
        raise ValueError("`encoder` should be a list of maps")
    return Encoder(tuple(_part(one) for one in fields))


def _part(fields: Mapping[str, Any]) -> Part:
    kind, missing = fields.get("kind"), fields.get("missing") is True
    if kind == "number":
        imputed, indicator = fields.get("imputed"), fields.get("indicator")
        if not isinstance(imputed, float) or not isinstance(indicator, bool):
            raise ValueError("an encoded number has `imputed`, a number, and `indicator`, a boolean")
        return NumberPart(missing, imputed, indicator)
    if kind == "text":
        return _text_part(missing, fields)
    levels = fields.get("levels")
    if kind != "category" or not isinstance(levels, list) or not all(isinstance(level, str) for level in levels):
        raise ValueError("an encoded feature is a number, a text, or a category with `levels`")
    return CategoryPart(missing, tuple(levels))


def _text_part(missing: bool, fields: Mapping[str, Any]) -> TextPart:
    bits, texts, buckets, idf = (fields.get(name) for name in ("bits", "texts", "buckets", "idf"))
    if not (isinstance(bits, int) and isinstance(texts, int)) or not (
        isinstance(buckets, bytes) and isinstance(idf, bytes) and len(idf) % 8 == 0
    ):
        raise ValueError("an encoded text has `bits`, `texts`, `buckets` and `idf`")
    return TextPart(missing, bits, texts, buckets, idf)
