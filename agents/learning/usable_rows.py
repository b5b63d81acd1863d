"""Which rows training can use. Any other row is left out, counted and named on the job, and training goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

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
#: Number of rows that are named.
NAMED_MAX = 20


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
    """The rows of several sources that training can use together: all of them say what is far from the others."""

    def __init__(self, feature_names: Sequence[str], features: Iterable[Features]) -> None:
        self.left_out = LeftOut()
        self._names = feature_names
        self._centre, self._reach = _reach(scorable(features, lambda row: row, len(feature_names))[1])

    def of(
        self, source: str, rows: Sequence[T], features: Callable[[T], Features], row_id: Callable[[T], object]
    ) -> list[T]:
        """The usable ones among `rows`; the others are added to `left_out`."""
        d, kept = len(self._names), []
        faults = iter(_faults(_wide(rows, features, d)[1], self._centre, self._reach))
        for row in rows:
            fault = next(faults) if len(features(row)) == d else ("dimension", None)
            if fault is None:
                kept.append(row)
            else:
                reason, column = fault
                self.left_out.add(row_id(row), source, reason, None if column is None else self._names[column])
        return kept


def is_moderate(features: Floats) -> NDArray[np.bool_]:
    """(n,) whether all values of a row of (n, d) features are finite and none is too large."""
    return np.asarray((np.abs(features) <= LARGEST).all(axis=1), dtype=np.bool_)


def scorable(rows: Iterable[T], features: Callable[[T], Features], d: int) -> tuple[list[T], Floats]:
    """The rows that a model of d features can score, and their (n, d) features: all finite and none too large."""
    wide, matrix = _wide(rows, features, d)
    fit = is_moderate(matrix)
    if fit.all():
        return wide, matrix
    return [row for row, ok in zip(wide, fit.tolist(), strict=True) if ok], matrix[fit]


def _wide(rows: Iterable[T], features: Callable[[T], Features], d: int) -> tuple[list[T], Floats]:
    """The rows that have d values, and these (n, d) values."""
    wide = [row for row in rows if len(features(row)) == d]
    return wide, np.array([features(row) for row in wide], dtype=np.float64).reshape(-1, d)


_Fault = tuple[Reason, int | None] | None


def _faults(features: Floats, centre: Floats, reach: Floats) -> list[_Fault]:
    """Why each row of (n, d) can't be used, and in which column; None: it can."""
    faults: list[_Fault] = [None] * len(features)
    with np.errstate(invalid="ignore", over="ignore"):
        usable = is_moderate(features) & (np.abs(features - centre) <= reach).all(axis=1)
    # Reasons are looked for in the other rows only: that takes three times as long as to see that there are none.
    others = np.flatnonzero(~usable)
    rest = features[others]
    finite = np.isfinite(rest)
    large = np.abs(rest) > LARGEST
    far = ~large & finite & (np.abs(np.where(finite & ~large, rest, centre) - centre) > reach)
    # Of several reasons, the last in this order.
    for reason, cells in (("far", far), ("overflow", large), ("not-finite", ~finite)):
        for row in np.flatnonzero(cells.any(axis=1)):
            faults[others[row]] = (reason, int(cells[row].argmax()))  # type: ignore[assignment]
    return faults


def _reach(features: Floats) -> tuple[Floats, Floats]:
    """(d,) the centre of each column of (n, d), and how far from it a value is usable."""
    n, d = features.shape
    if n < LEAST_ROWS:
        return np.zeros(d), np.full(d, np.inf)
    centre = np.quantile(features, 0.5, axis=0, method="lower")
    away = np.abs(features - centre)
    spread = np.quantile(away, 0.5, axis=0, method="lower")
    for column in np.flatnonzero(spread == 0):
        # More than half of the values are equal: the spread is that of the others, of which one alone has none.
        others = away[:, column][away[:, column] > 0]
        spread[column] = np.quantile(others, 0.5, method="lower") if len(others) > 1 else np.inf
    return centre, FAR * spread
