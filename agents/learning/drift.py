"""Drift: live records compared with those at the champion's activation, by PSI per feature and on its margin."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relearn.agents.learning.drift_columns import Levels
from relearn.schemas.model.linear_svm import Floats

#: Number of first records after an activation that form the reference, and of later records per comparison.
REFERENCE = 1000
WINDOW = 500
BINS = 10
PSI_LIMIT = 0.25
#: Divided by d, the number of features (Bonferroni).
P_LIMIT = 0.01
IN_A_ROW = 2
_LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True, slots=True)
class Reference:
    """The distribution of n records over bins: per name ascending edges, and one count more than edges.

    `names` are the features, then the margin. A bin holds the values above its lower edge up to its upper edge;
    the outer bins are open. `levels`: of a category, by its name, the levels that have a bin each, in the order of the
    bins; the others share the next one. What is compared of a record: `drift_columns`.
    """

    names: tuple[str, ...]
    edges: tuple[tuple[float, ...], ...]
    counts: tuple[tuple[int, ...], ...]
    n: int
    levels: Levels = field(default_factory=dict)


class Shift(NamedTuple):
    """One name in one window. `psi`: PSI minus its expected value without drift, so without drift about 0 or below.

    `p`: the probability of this or a larger PSI without drift. `drifted`: in this window alone.
    """

    psi: float
    p: float
    counts: tuple[int, ...]
    drifted: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """A window of m records against the reference; `shifts` in the order of the reference's names."""

    shifts: Mapping[str, Shift]
    m: int


def sample_quotas(new: Mapping[int, int], n: int) -> dict[int, int]:
    """How many of n sampled records each partition gives, in proportion to its `new` ones; zeros are left out.

    Largest remainders are rounded up. With at least n new records in all, no partition gives more than it has.

    Raises:
        ZeroDivisionError: nothing is new.
    """
    total = sum(new.values())
    shares = {p: divmod(n * count, total) for p, count in new.items()}
    missing = n - sum(whole for whole, _ in shares.values())
    rounded_up = sorted(shares, key=lambda p: (-shares[p][1], p))[:missing]
    found = {p: whole + (p in rounded_up) for p, (whole, _) in shares.items()}
    return {p: quota for p, quota in found.items() if quota > 0}


def reference(
    names: Sequence[str],
    features: Floats,
    margins: Floats,
    gaps: NDArray[np.bool_] | None = None,
    levels: Levels | None = None,
) -> Reference:
    """The champion's first n live records, as counts. features: (n, d), of `drift_columns`; margins: (n,).

    gaps: (d,) which features may be missing: those have one more bin, of the records without them. `levels`: see
    Reference.

    The margin's name is "margin", with underscores appended while a feature has that name.

    Raises:
        ValueError: no records, or mismatched shapes.
    """
    margin = "margin"
    while margin in names:
        margin += "_"
    columns = _columns(features, margins, len(names) + 1)
    may_miss = [False] * columns.shape[1] if gaps is None else [*gaps.tolist(), False]
    levels = levels or {}
    edges = tuple(
        _edges_of_levels(len(levels[name]), gap=gap)
        if name in levels
        else (_edges_beside_gaps(one) if gap else _edges(one))
        for name, one, gap in zip((*names, margin), np.sort(columns, axis=0).T, may_miss, strict=True)
    )
    return Reference((*names, margin), edges, _counts(columns, edges), len(columns), levels)


def compare(reference: Reference, features: Floats, margins: Floats) -> Comparison:
    """A window of m live records, in any order, against the reference. features: (m, d), margins: (m,).

    Raises:
        ValueError: no records, or mismatched shapes.
    """
    columns = _columns(features, margins, len(reference.names))
    n, m = reference.n, len(columns)
    p_limit = P_LIMIT / max(1, len(reference.names) - 1)
    found = zip(reference.names, reference.counts, _counts(columns, reference.edges), strict=True)
    return Comparison({name: _shift(before, now, n, m, p_limit) for name, before, now in found}, m)


def update_streak(streak: Mapping[str, int], comparison: Comparison) -> dict[str, int]:
    """Updates the number of consecutive windows in which each name drifted; names without drift now are left out."""
    return {name: streak.get(name, 0) + 1 for name, shift in comparison.shifts.items() if shift.drifted}


def drifted(streak: Mapping[str, int]) -> tuple[str, ...]:
    """The names that drifted in at least IN_A_ROW consecutive windows."""
    return tuple(name for name, windows in streak.items() if windows >= IN_A_ROW)


def reference_fields(reference: Reference) -> dict[str, Any]:
    """The reference, JSON-able."""
    edges, counts = ([list(one) for one in lists] for lists in (reference.edges, reference.counts))
    levels = {name: list(found) for name, found in reference.levels.items()}
    return {"names": list(reference.names), "edges": edges, "counts": counts, "n": reference.n, "levels": levels}


def reference_from_fields(fields: Mapping[str, Any]) -> Reference:
    """The reference in fields written by `reference_fields`."""
    return Reference(
        tuple(fields["names"]),
        tuple(tuple(map(float, edges)) for edges in fields["edges"]),
        tuple(tuple(map(int, counts)) for counts in fields["counts"]),
        int(fields["n"]),
        # Written before levels had bins of their own: their edges are codes.
        {name: tuple(found) for name, found in fields.get("levels", {}).items()},
    )


def _columns(features: Floats, margins: Floats, width: int) -> Floats:
    """(n, width): the features, then the margin; non-finite values become ±the largest float64, -0.0 becomes 0.0."""
    columns = np.column_stack([features, margins])
    if columns.shape[1] != width or len(columns) == 0:
        raise ValueError(f"{columns.shape} numbers, should be {width} of each of at least one record")
    finite: Floats = np.nan_to_num(columns, nan=_LARGEST, posinf=_LARGEST, neginf=-_LARGEST) + 0.0
    return finite


def _edges_beside_gaps(ordered: Floats) -> tuple[float, ...]:
    """The edges of the values that aren't missing, and one between them and those that are."""
    known = ordered[ordered < _LARGEST]
    return (*(_edges(known) if len(known) else ()), math.nextafter(_LARGEST, 0.0))


def _edges_of_levels(levels: int, *, gap: bool) -> tuple[float, ...]:
    """A bin for each of the levels, one for all others, and one where the value may be missing."""
    edges = tuple(map(float, range(levels)))
    return (*edges, math.nextafter(_LARGEST, 0.0)) if gap else edges


def _edges(ordered: Floats) -> tuple[float, ...]:
    """The distinct deciles of a sorted column: at most nine, so at most ten bins.

    A value that is two or more of the deciles gets a bin of its own. Where the smallest value is a decile, values below
    it get a bin of their own, so a constant has the bins below, equal and above. Deciles are observed values: no mean
    of two values is computed, which could overflow.
    """
    n = len(ordered)
    deciles = ordered[-(-np.arange(1, BINS) * n // BINS) - 1]
    edges: list[float] = []
    for value, times in zip(*(part.tolist() for part in np.unique(deciles, return_counts=True)), strict=True):
        smallest = value == ordered[0]
        below = math.nextafter(value, -math.inf)
        if (times > 1 or smallest) and math.isfinite(below) and below not in edges:
            edges.append(below)
        if times > 1 or not smallest or not edges:
            edges.append(value)
    return tuple(edges)


def _counts(columns: Floats, edges: Sequence[Sequence[float]]) -> tuple[tuple[int, ...], ...]:
    return tuple(
        tuple(np.bincount(np.searchsorted(cuts, column), minlength=len(cuts) + 1).tolist())
        for cuts, column in zip(edges, columns.T, strict=True)
    )


def _shift(before: Sequence[int], now: Sequence[int], n: int, m: int, p_limit: float) -> Shift:
    """PSI of two distributions over the same bins, with half a record added to each bin of both.

    Without drift PSI / (1/n + 1/m) is about chi-square with bins - 1 degrees of freedom (Yurdakul and Naranjo, 2020).
    """
    # Imported at the first window: scipy.special takes as long to import as a worker's own modules.
    from scipy.special import chdtrc  # type: ignore[import-untyped] # noqa: PLC0415

    bins, noise = len(before), 1.0 / n + 1.0 / m
    expected, live = _shares(before, n), _shares(now, m)
    raw = float(((live - expected) * np.log(live / expected)).sum())
    psi, p = raw - (bins - 1) * noise, float(chdtrc(bins - 1, raw / noise))
    return Shift(psi, p, tuple(now), psi >= PSI_LIMIT and p < p_limit)


def _shares(counts: Sequence[int], n: int) -> NDArray[np.float64]:
    return (np.array(counts) + 0.5) / (n + 0.5 * len(counts))
