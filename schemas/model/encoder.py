"""The encoder as data: how a row of numbers and categories becomes the columns that a linear model has weights for.

Columns: the numbers, imputed where they are missing; an indicator of each number that was missing in training; and of
each category one column per level, then one for all other levels and one for missing. `agents.learning.encode` applies
it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from relearn.schemas.features import Feature, FeatureSchema, code_of
from relearn.schemas.text import text_fault

#: Maximum number of levels of one category that have a column of their own: the most frequent ones.
LEVELS_MAX = 256
#: Maximum number of columns.
COLUMNS_MAX = 16_384


class NumberPart(NamedTuple):
    """`imputed`: what stands for a missing value. `indicator`: whether a column is 1 where it is missing."""

    missing: bool
    imputed: float
    indicator: bool


class CategoryPart(NamedTuple):
    """`levels`: those with a column of their own."""

    missing: bool
    levels: tuple[str, ...]


Part = NumberPart | CategoryPart


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
            if isinstance(part, NumberPart):
                if not math.isfinite(part.imputed):
                    raise ValueError("an imputed value that isn't finite")
            elif any(text_fault(level) for level in part.levels) or len(part.levels) > LEVELS_MAX:
                raise ValueError("levels that can't be")
            elif len({code_of(level) for level in part.levels}) != len(part.levels):
                raise ValueError("a level stands there twice")
        if self.width > COLUMNS_MAX:
            raise ValueError(f"{self.width} columns")

    @property
    def numbers(self) -> list[NumberPart]:
        """The parts of the numbers, in their order."""
        return [part for part in self.parts if isinstance(part, NumberPart)]

    @property
    def categories(self) -> list[CategoryPart]:
        """The parts of the categories, in their order."""
        return [part for part in self.parts if isinstance(part, CategoryPart)]

    @property
    def width(self) -> int:
        """The number of columns."""
        numbers = self.numbers
        return len(numbers) + sum(part.indicator for part in numbers) + sum(map(columns_of, self.categories))

    def schema(self, names: Sequence[str]) -> FeatureSchema:
        """The schema of the records that it encodes. `names`: of the features."""
        pairs = zip(names, self.parts, strict=True)
        return FeatureSchema(tuple(Feature(name, kind_of(part), part.missing) for name, part in pairs))


def columns_of(part: CategoryPart) -> int:
    """The number of columns of a category: its levels, the others, and missing."""
    return len(part.levels) + 2


def kind_of(part: Part) -> Any:
    """The kind of the feature."""
    return "number" if isinstance(part, NumberPart) else "category"


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
    levels = fields.get("levels")
    if kind != "category" or not isinstance(levels, list) or not all(isinstance(level, str) for level in levels):
        raise ValueError("an encoded feature is a number, or a category with `levels`")
    return CategoryPart(missing, tuple(levels))
