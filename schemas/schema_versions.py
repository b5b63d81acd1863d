"""The versions of a namespace's features: one feature is added or retired at a time, and rows of any version are read.

A version never changes. Versions that follow one another are a chain: a row of one is projected onto another by name.
A schema that replaces another as a whole begins a chain of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relearn.schemas.features import FeatureSchema, Value, code_of

Floats = NDArray[np.float64]


class SchemaVersion(NamedTuple):
    """One version. defaults: of each feature that was added since the chain began, the value where it is absent."""

    number: int
    schema: FeatureSchema
    defaults: Mapping[str, Value]


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Rows of one schema as rows of another. columns: (t,) where each value stands in a source row; -1: nowhere.

    width: of a source row. fill: (t,) what stands for an absent value, NaN: it is missing. strict: the columns of the
    result that may not be missing: NaN there becomes `instead`. strings: the string of each code in `fill`. same: rows
    are unchanged.
    """

    width: int
    columns: NDArray[np.intp]
    fill: Floats
    strings: Mapping[float, str] = field(default_factory=dict)
    strict: NDArray[np.bool_] | None = None
    instead: Floats | None = None
    same: bool = field(init=False)

    def __post_init__(self) -> None:
        """Compare the columns with those of a source row."""
        equal = len(self.columns) == self.width and bool((self.columns == np.arange(self.width)).all())
        object.__setattr__(self, "same", equal and (self.strict is None or not self.strict.any()))

    def rows(self, rows: Floats) -> Floats:
        """(n, t) of (n, width) rows.

        Raises:
            ValueError: rows of another width.
        """
        if rows.shape[1] != self.width:
            raise ValueError(f"rows of {rows.shape[1]} values, not {self.width}")
        if self.same:
            return rows
        absent = self.columns < 0
        found: Floats = rows[:, np.where(absent, 0, self.columns)]
        if absent.any():
            found[:, absent] = self.fill[absent]
        if self.strict is not None and self.instead is not None:
            gaps = np.isnan(found) & self.strict
            if gaps.any():
                found = np.where(gaps, self.instead, found)
        return found

    def row(self, row: Any) -> Any:
        """(t,) of one row; of another width than `width` a row without values, which nothing can use."""
        if len(row) != self.width:
            return np.empty(0)
        return row if self.same else self.rows(np.asarray(row, dtype=np.float64)[None])[0]


@dataclass(frozen=True, slots=True, eq=False)
class SchemaChain:
    """The versions of one chain, oldest first, at least one."""

    versions: tuple[SchemaVersion, ...]
    by_number: Mapping[int, SchemaVersion] = field(init=False)

    def __post_init__(self) -> None:
        """Index the versions."""
        object.__setattr__(self, "by_number", {one.number: one for one in self.versions})

    @property
    def base(self) -> int:
        """The number of the first version, which identifies the chain."""
        return self.versions[0].number

    @property
    def newest(self) -> SchemaVersion:
        """The last version."""
        return self.versions[-1]

    @property
    def changed(self) -> bool:
        """Whether there is more than one version."""
        return len(self.versions) > 1

    def projection(self, source: int, target: int) -> Projection | None:
        """Of rows of version `source` onto version `target`: an absent feature gets its default, else it is missing.

        None: one of them isn't of this chain.
        """
        if source not in self.by_number or target not in self.by_number:
            return None
        return _projection(self, source, target)


@lru_cache(maxsize=256)
def _projection(chain: SchemaChain, source: int, target: int) -> Projection:
    given, wanted = chain.by_number[source], chain.by_number[target]
    return project(given.schema, wanted.schema, wanted.defaults if source < target else {})


def project(source: FeatureSchema, target: FeatureSchema, defaults: Mapping[str, Value]) -> Projection:
    """The projection by name. A feature of another kind in `source` counts as absent."""
    given = {(source.features[i].name, source.features[i].kind): column for column, i in enumerate(row_order(source))}
    wanted = [target.features[i] for i in row_order(target)]
    columns = np.array([given.get((one.name, one.kind), -1) for one in wanted], dtype=np.intp)
    fill = np.array([cell(defaults.get(one.name)) for one in wanted], dtype=np.float64)
    strings = {code_of(one): one for one in defaults.values() if isinstance(one, str)}
    return Projection(len(source), columns, fill, strings)


def row_order(schema: FeatureSchema) -> Sequence[int]:
    """The positions of the features in the order of a row."""
    places = schema.names
    return [places.index(name) for name in schema.row_names]


def cell(value: Value) -> float:
    """A value as it stands in a row."""
    if value is None:
        return math.nan
    return code_of(value) if isinstance(value, str) else float(value)
