"""OneHotEncoder: the levels of each category as columns, with the infrequent ones together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from relearn.schemas.errors import Refused
from relearn.scripts.model_import.columns import MISSING, Budget, Column, Hot, Level, Raw, Special, Text
from relearn.scripts.model_import.estimators import attribute, is_nan, objects, places

_UNKNOWN = ("error", "ignore", "infrequent_if_exist", "warn")


def one_hot(step: Any, columns: Sequence[Column], budget: Budget) -> list[Column]:
    """The columns of a fitted OneHotEncoder.

    Raises:
        Refused: it encodes numbers, or isn't what a fit gives.
    """
    unknown = attribute(step, "handle_unknown")
    if unknown not in _UNKNOWN:
        raise Refused(f"OneHotEncoder.handle_unknown is {str(unknown)[:40]!r}")
    all_levels = attribute(step, "categories_")
    if not isinstance(all_levels, list) or len(all_levels) != len(columns):
        raise Refused("OneHotEncoder.categories_ should have a list for each column")
    found: list[Column] = []
    for i, column in enumerate(columns):
        if isinstance(column, Raw):
            column = Text(column.feature)  # noqa: PLW2901 - the same column
        if not isinstance(column, Text):
            raise Refused("OneHotEncoder gets numbers: a feature that it encodes has to be a category, of texts")
        levels = [_level(one) for one in objects(all_levels[i], "OneHotEncoder.categories_")]
        if len(set(levels)) != len(levels):
            raise Refused("OneHotEncoder.categories_ has a level twice")
        found += budget.take(_hot(column, levels, _groups(step, i, len(levels)), str(unknown)))
    return found


def _level(one: Any) -> Level:
    if one is None:
        return Special.NONE
    if is_nan(one):
        return Special.NAN
    if not isinstance(one, str):
        raise Refused(f"OneHotEncoder has the level {str(one)[:40]}, which is no text: make the column texts before")
    return one


class _Groups(NamedTuple):
    """The levels of each column, by place; `infrequent`: the group, maybe dropped, that unknown levels can join."""

    columns: list[list[int]]
    infrequent: list[int]


def _groups(step: Any, i: int, size: int) -> _Groups:
    """The columns of one feature: frequent levels in order, then all infrequent ones together, less what is dropped."""
    listed = attribute(step, "_infrequent_indices", None)
    few = listed[i] if isinstance(listed, list) and i < len(listed) else None
    infrequent = [] if few is None else places(few, "OneHotEncoder._infrequent_indices", size)
    rest = set(infrequent)
    columns = [[place] for place in range(size) if place not in rest] + ([infrequent] if infrequent else [])
    dropped = attribute(step, "drop_idx_", None)
    if dropped is not None:
        drops = objects(dropped, "OneHotEncoder.drop_idx_")
        place = drops[i] if i < len(drops) else None
        if place is not None:
            if type(place) is not int or not 0 <= place < size:
                raise Refused("OneHotEncoder.drop_idx_ has a place that isn't there")
            columns = [one for one in columns if place not in one]
    return _Groups(columns, infrequent)


def _hot(text: Text, levels: Sequence[Level], groups: _Groups, unknown: str) -> list[Column]:
    """One column per group of levels. Under "error" an unknown level has no column, as under "ignore"."""
    known: set[Level] = set(levels)
    joins = unknown in ("infrequent_if_exist", "warn")
    # A missing value for which an imputer puts a level is as that level.
    filled: dict[Special, Level] = {}
    for form, level in ((Special.NONE, text.none), (Special.NAN, text.nan)):
        if level is not None:
            filled[form] = level if level in known else Special.OTHER
    known |= set(filled)
    found: list[Column] = []
    for group in groups.columns:
        has: set[Level] = {levels[place] for place in group}
        if joins and group == groups.infrequent:
            has.add(Special.OTHER)
        for form in MISSING:
            if form in filled:
                has.discard(form)
                if filled[form] in has:
                    has.add(form)
        found.append(Hot(text.feature, frozenset(known), frozenset(has)))
    return found
