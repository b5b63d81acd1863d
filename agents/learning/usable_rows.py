"""Which rows training can use. Any other row is left out, counted and named on the job, and training goes on.

Codes of categories are checked for nothing, and a value that may be missing is usable where it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from relearn.schemas.features import FeatureSchema
from relearn.schemas.model.encoder import Encoder
from relearn.schemas.model.linear_svm import Features, Floats

T = TypeVar("T")

#: Why a row is left out: the number of its values, a value that isn't finite, is too large, or is far from all others.
Reason = Literal["dimension", "not-finite", "overflow", "far"]
#: Maximum absolute value: the sum of squares of ten million such values is finite.
LARGEST = 1e140
#: A value this many times as far from the median as half of the others are: beside it, all others look equal.
FAR = 1e6
#: Minimum number of rows for FAR.
LEAST_ROWS = 8
#: Maximum number of rows, evenly among all, of which medians are taken.
MEDIANS_OF = 20_000
_BLOCK = 10_000
#: Number of rows that are named.
NAMED_MAX = 20

_Fault = tuple[Reason, int | None]


@dataclass(slots=True)
class LeftOut:
    """The rows that were left out: how many for each reason, and the first of them."""

    counts: Counter[str] = field(default_factory=Counter)
    first: list[dict[str, Any]] = field(default_factory=list)

    def add(self, row: object, source: str, reason: Reason, feature: str | None) -> None:
        """Count one row, and name it if few were named before."""
        self.counts[reason] += 1
        if len(self.first) < NAMED_MAX:
            self.first.append({"id": str(row), "source": source, "reason": reason, "feature": feature})

    def fields(self) -> dict[str, Any]:
        """JSON-able."""
        return {"rows": self.counts.total(), "reasons": dict(self.counts), "first": self.first}


class UsableRows:
    """The rows of several sources that training can use together: all of them say what is far from the others.

    features: those of the rows, by source.
    """

    def __init__(self, schema: FeatureSchema, features: Mapping[str, Sequence[Features]]) -> None:
        self.left_out = LeftOut()
        self._names = schema.row_names
        every = [row for rows in features.values() for row in rows]
        faults = sorted(_faults(every, schema).items())
        self._faults: dict[str, dict[int, _Fault]] = {}
        begin = 0
        for source, rows in features.items():
            end = begin + len(rows)
            self._faults[source] = {row - begin: fault for row, fault in faults if begin <= row < end}
            begin = end

    def of(self, source: str, rows: Sequence[T], row_id: Callable[[T], object]) -> list[T]:
        """The usable ones among the `rows` of a source; the others are added to `left_out`."""
        faults = self._faults[source]
        for row, (reason, column) in faults.items():
            self.left_out.add(row_id(rows[row]), source, reason, None if column is None else self._names[column])
        return [one for row, one in enumerate(rows) if row not in faults] if faults else list(rows)


def is_moderate(features: Floats, gaps: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """(n,) whether all values of a row of (n, d) features are finite and none is too large.

    gaps: (d,) which values may be missing; None: none.
    """
    fit = np.abs(features) <= LARGEST
    if gaps is not None and gaps.any():
        fit |= np.isnan(features) & gaps
    return np.asarray(fit.all(axis=1), dtype=np.bool_)


def scorable(
    rows: Iterable[T], features: Callable[[T], Features], d: int, encoder: Encoder | None
) -> tuple[list[T], Floats]:
    """The records that a model can score, and their (n, d) rows: all finite, or missing, and none too large.

    d: the number of features. encoder: the model's.
    """
    wide = [row for row in rows if len(features(row)) == d]
    matrix = np.array([features(row) for row in wide], dtype=np.float64).reshape(-1, d)
    fit = is_moderate(matrix, None if encoder is None else np.ones(d, dtype=np.bool_))
    if fit.all():
        return wide, matrix
    return [row for row, ok in zip(wide, fit.tolist(), strict=True) if ok], matrix[fit]


def _faults(rows: Sequence[Features], schema: FeatureSchema) -> dict[int, _Fault]:
    """Why rows can't be used, by their number."""
    d = len(schema)
    wide: Sequence[int] = range(len(rows))
    faults: dict[int, _Fault] = {number: ("dimension", None) for number in wide if len(rows[number]) != d}
    if faults:
        wide = [number for number in wide if number not in faults]
    centre, reach = _reach(rows, wide, schema)
    # In blocks: one array of all rows would take as much memory as the rows themselves.
    for begin in range(0, len(wide), _BLOCK):
        numbers = wide[begin : begin + _BLOCK]
        found = _faults_of_values(_matrix(rows, numbers, schema, centre), centre, reach)
        faults.update((numbers[row], fault) for row, fault in found.items())
    return faults


def _faults_of_values(features: Floats, centre: Floats, reach: Floats) -> dict[int, _Fault]:
    # No value is nearer to these bounds than a rounding error, unless it was made for that.
    low, high = np.maximum(centre - reach, -LARGEST), np.minimum(centre + reach, LARGEST)
    # Reasons are looked for in the other rows only: that takes three times as long as to see that there are none.
    others = np.flatnonzero(~((features >= low) & (features <= high)).all(axis=1))
    rest = features[others]
    finite = np.isfinite(rest)
    large = np.abs(rest) > LARGEST
    far = ~large & finite & (np.abs(np.where(finite & ~large, rest, centre) - centre) > reach)
    faults: dict[int, _Fault] = {}
    # Of several reasons, the last in this order.
    reasons: Sequence[tuple[Reason, NDArray[np.bool_]]] = (("far", far), ("overflow", large), ("not-finite", ~finite))
    for reason, cells in reasons:
        for row in np.flatnonzero(cells.any(axis=1)):
            faults[int(others[row])] = (reason, int(cells[row].argmax()))
    return faults


def _reach(rows: Sequence[Features], wide: Sequence[int], schema: FeatureSchema) -> tuple[Floats, Floats]:
    """(d,) the centre of each column of the `wide` rows, and how far from it a value is usable."""
    d = len(schema)
    some = _matrix(rows, wide[:: max(1, -(-len(wide) // MEDIANS_OF))], schema)
    if schema.gaps.any():
        # Where a value is missing, the middle one of the others stands there: that changes no median.
        for column in np.flatnonzero(schema.gaps & np.isnan(some).any(axis=0)):
            known = some[np.isfinite(some[:, column]), column]
            some[np.isnan(some[:, column]), column] = np.median(known) if len(known) else 0.0
    some = some[is_moderate(some)]
    if len(some) < LEAST_ROWS:
        return np.zeros(d), np.full(d, np.inf)
    columns = np.ascontiguousarray(some.T)
    centre = _lower_median(columns)
    spread = _lower_median(np.abs(columns - centre[:, None]))
    equal = np.flatnonzero(spread == 0)
    if len(equal):
        spread[equal] = _spread_of_others(rows, wide, schema, centre, equal)
    return centre, FAR * spread


def _spread_of_others(
    rows: Sequence[Features], wide: Sequence[int], schema: FeatureSchema, centre: Floats, equal: NDArray[np.intp]
) -> list[float]:
    """The spread of columns of which more than half of the values are equal: that of the others. One alone has none."""
    others: list[list[Floats]] = [[] for _ in equal]
    for begin in range(0, len(wide), _BLOCK):
        values = _matrix(rows, wide[begin : begin + _BLOCK], schema, centre)[:, equal]
        with np.errstate(invalid="ignore", over="ignore"):
            away = np.where(np.abs(values) <= LARGEST, np.abs(values - centre[equal]), 0.0)
        for found, column in zip(others, away.T, strict=True):
            found.append(column[column > 0])
    joined = [np.concatenate(found) for found in others]
    return [float(_lower_median(found[None])[0]) if len(found) > 1 else np.inf for found in joined]


def _matrix(
    rows: Sequence[Features], numbers: Sequence[int], schema: FeatureSchema, centre: Floats | None = None
) -> Floats:
    """(n, d) the rows with these numbers, all categories 0, and what may be missing at the `centre` where it is."""
    matrix = np.array([rows[number] for number in numbers], dtype=np.float64).reshape(-1, len(schema))
    matrix[:, len(schema.numbers) :] = 0.0
    if centre is not None and schema.gaps.any():
        matrix = np.where(np.isnan(matrix) & schema.gaps, centre, matrix)
    return matrix


def _lower_median(columns: Floats) -> Floats:
    """(d,) the median of each of d columns of n values, (d, n): of an even number the lower one of the two."""
    middle = (columns.shape[1] - 1) // 2
    found: Floats = np.partition(columns, middle, axis=1)[:, middle]
    return found
