"""A column of a scikit-learn pipeline, as a function of one feature: what a linear model on columns needs to be ours.

    feature ─▶ Raw ─▶ Number (imputed, scaled)                     slope * x + offset
                 └──▶ Text (imputed) ─▶ Hot (one-hot, scaled)       slope * [x is one of the levels] + offset
                 └──▶ Gap (an imputer's indicator, scaled)          slope * [x is missing] + offset

A value that is missing reaches scikit-learn as None or as NaN, which its imputer and its one-hot tell apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from relearn.schemas.errors import Refused
from relearn.schemas.model.encoder import COLUMNS_MAX

#: Maximum number of columns that all steps of a pipeline make together.
MADE_MAX = 1_000_000


class Special(Enum):
    """Values of a category that are no level: any other level, and a missing one in its two forms."""

    OTHER = "other"
    NONE = "None"
    NAN = "NaN"


MISSING = (Special.NONE, Special.NAN)
Level = str | Special


class Raw(NamedTuple):
    """A feature as it comes."""

    feature: int


class Number(NamedTuple):
    """slope * x + offset. `imputed`: the x where the value is missing; None: it may not be missing."""

    feature: int
    slope: float = 1.0
    offset: float = 0.0
    imputed: float | None = None


class Gap(NamedTuple):
    """slope where the value is missing, in a form that is among `forms`; plus the offset."""

    feature: int
    forms: frozenset[Special]
    slope: float = 1.0
    offset: float = 0.0


class Text(NamedTuple):
    """A category's level before it is encoded. `none`, `nan`: the level that stands for a missing one in that form."""

    feature: int
    none: str | None = None
    nan: str | None = None


class Hot(NamedTuple):
    """slope where the value is among `levels`, plus the offset.

    `known`: the values that its encoder knows. Any value that it doesn't know is as Special.OTHER.
    """

    feature: int
    known: frozenset[Level]
    levels: frozenset[Level]
    slope: float = 1.0
    offset: float = 0.0

    def has(self, value: Level) -> bool:
        """Whether the column is 1 for this value, before it is scaled."""
        return (value if value in self.known else Special.OTHER) in self.levels


Column = Raw | Number | Gap | Text | Hot


class Budget:
    """How many columns steps may still make: a file of a few bytes could ask for any number of them."""

    def __init__(self) -> None:
        self._left = MADE_MAX

    def take(self, columns: Sequence[Column]) -> list[Column]:
        """The columns of a step, in a list.

        Raises:
            Refused: these are too many, or all of them together.
        """
        self._left -= len(columns) + 1
        if len(columns) > 2 * COLUMNS_MAX or self._left < 0:
            raise Refused(f"the pipeline makes too many columns; {COLUMNS_MAX:,} are possible")
        return list(columns)


def scaled(column: Column, mean: float, scale: float, name: str) -> Column:
    """(column - mean) / scale.

    Raises:
        Refused: it is the text of a category.
    """
    if isinstance(column, Raw):
        column = Number(column.feature)
    if isinstance(column, Text):
        raise Refused(f"{name} scales a category before it is encoded")
    return column._replace(slope=column.slope / scale, offset=(column.offset - mean) / scale)
