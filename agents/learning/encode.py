"""Rows → the columns that a model has weights for: numbers imputed, categories one-hot. Fitting it, and applying it.

Equal to scikit-learn's SimpleImputer(strategy="median", add_indicator=True) and OneHotEncoder(min_frequency=2) on each
feature; scikit-learn itself would take ten times as long to import as to fit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relearn.schemas.errors import Refused
from relearn.schemas.features import FeatureSchema, code_of
from relearn.schemas.model.encoder import (
    COLUMNS_MAX,
    LEVELS_MAX,
    CategoryPart,
    Encoder,
    NumberPart,
    Part,
    columns_of,
)
from relearn.schemas.model.linear_svm import Floats

#: How often a level has to be seen in training for a column of its own.
LEAST_PER_LEVEL = 2
#: Rows times the square of columns that levels may bring a training to: about a minute of one core for its 16 fits.
WORK_MAX = 2_000_000_000
#: As many columns are affordable however many rows there are.
LEAST_COLUMNS = 200


class _Levels(NamedTuple):
    """A category's levels in the order of their codes. codes, columns: (m,); start: its first column."""

    codes: Floats
    columns: NDArray[np.intp]
    start: int
    m: int


class _Plan(NamedTuple):
    """An encoder to apply. imputed: (numbers,). indicators: the numbers that have one. levels: of each category."""

    imputed: Floats
    indicators: NDArray[np.intp]
    levels: tuple[_Levels, ...]
    width: int


@lru_cache(maxsize=64)
def _plan(encoder: Encoder) -> _Plan:
    numbers = encoder.numbers
    indicators = np.flatnonzero([part.indicator for part in numbers])
    start, levels = len(numbers) + len(indicators), []
    for part in encoder.categories:
        codes = np.array([code_of(level) for level in part.levels], dtype=np.float64)
        order = np.argsort(codes)
        levels.append(_Levels(codes[order], start + order, start, len(codes)))
        start += columns_of(part)
    return _Plan(np.array([part.imputed for part in numbers], dtype=np.float64), indicators, tuple(levels), start)


class Encoded(NamedTuple):
    """n encoded rows. dense: (n, numbers and indicators). columns: (n,) of each category, the one column that is 1."""

    dense: Floats
    columns: tuple[NDArray[np.intp], ...]


def encode(encoder: Encoder | None, rows: Floats) -> Encoded:
    """Encode (n, d) rows, which without an encoder are `dense`. What isn't among a category's levels is another level.

    Raises:
        ValueError: rows of another width.
    """
    if encoder is None:
        return Encoded(rows, ())
    plan, n_numbers = _plan(encoder), len(encoder.numbers)
    if rows.shape[1] != len(encoder.parts):
        raise ValueError(f"rows of {rows.shape[1]} values; the encoder has {len(encoder.parts)}")
    numbers = rows[:, :n_numbers]
    missing = np.isnan(numbers)
    dense = np.hstack([np.where(missing, plan.imputed, numbers), missing[:, plan.indicators]])
    return Encoded(dense, tuple(_columns(rows[:, n_numbers + i], one) for i, one in enumerate(plan.levels)))


def _columns(codes: Floats, levels: _Levels) -> NDArray[np.intp]:
    found = np.where(np.isnan(codes), levels.start + levels.m + 1, levels.start + levels.m)
    if levels.m:
        place = np.minimum(np.searchsorted(levels.codes, codes), levels.m - 1)
        known = levels.codes[place] == codes
        found[known] = levels.columns[place[known]]
    return found


def columns_matrix(encoder: Encoder | None, rows: Floats) -> Floats:
    """(n, width): the columns in full. Without an encoder the rows themselves."""
    if encoder is None:
        return rows
    dense, columns = encode(encoder, rows)
    matrix = np.zeros((len(rows), _plan(encoder).width))
    matrix[:, : dense.shape[1]] = dense
    for column in columns:
        matrix[np.arange(len(rows)), column] = 1.0
    return matrix


def products(encoded: Encoded, weights: Floats) -> Floats:
    """(n, k): n encoded rows times weights (k, width), without the zeros of the categories."""
    dense, columns = encoded
    found: Floats = dense @ weights[:, : dense.shape[1]].T
    by_column = weights.T
    for column in columns:
        found += by_column[column]
    return found


def unseen(encoder: Encoder | None, encoded: Encoded) -> NDArray[np.intp]:
    """(n,): how many values of each row are levels that have no column of their own."""
    found = np.zeros(len(encoded.dense), dtype=np.intp)
    if encoder is not None:
        for column, one in zip(encoded.columns, _plan(encoder).levels, strict=True):
            found += column == one.start + one.m
    return found


def feature_sums(encoder: Encoder | None, cells: Floats) -> Floats:
    """(d,): values of the columns, (width,), added up per feature in the order of a row."""
    if encoder is None:
        return cells
    plan, n_numbers = _plan(encoder), len(encoder.numbers)
    sums = np.empty(len(encoder.parts))
    sums[:n_numbers] = cells[:n_numbers]
    np.add.at(sums, plan.indicators, cells[n_numbers : n_numbers + len(plan.indicators)])
    for i, one in enumerate(plan.levels):
        sums[n_numbers + i] = cells[one.start : one.start + one.m + 2].sum()
    return sums


def fit_encoder(schema: FeatureSchema, rows: Floats, levels: Mapping[float, str]) -> Encoder | None:
    """The encoder of a training set's (n, d) rows; None where the schema needs none.

    levels: the level of each code. Of two equally frequent levels the one with the smaller code comes first.

    Raises:
        Refused: there are too many features.
    """
    if schema.plain:
        return None
    parts: dict[int, Part] = {}
    for column, place in enumerate(schema.numbers):
        values = rows[:, column]
        missing = np.isnan(values)
        known = values[~missing]
        imputed = float(np.median(known)) if len(known) else 0.0
        parts[place] = NumberPart(schema.features[place].missing, imputed, bool(missing.any()))
    first = 2 * len(schema)
    if first > COLUMNS_MAX:
        raise Refused(f"{len(schema)} features with gaps or categories take up to {first} columns, over {COLUMNS_MAX}")
    most = min(COLUMNS_MAX, max(LEAST_COLUMNS, math.isqrt(WORK_MAX // max(1, len(rows))))) - first
    chosen = _frequent(rows[:, len(schema.numbers) :], max(0, most))
    for i, place in enumerate(schema.categories):
        texts = tuple(sorted(levels[code] for code in chosen[i] if code in levels))
        parts[place] = CategoryPart(schema.features[place].missing, texts)
    return Encoder(tuple(parts[place] for place in range(len(schema))))


def _frequent(codes: Floats, most: int) -> list[list[float]]:
    """Of each category the levels with a column: the most frequent ones of all categories, `most` in all."""
    ranked: list[tuple[int, int, float]] = []
    for i, column in enumerate(codes.T):
        found, counts = np.unique(column[~np.isnan(column)], return_counts=True)
        order = np.argsort(-counts, kind="stable")[:LEVELS_MAX]
        ranked += [(-int(counts[j]), i, float(found[j])) for j in order if counts[j] >= LEAST_PER_LEVEL]
    chosen: list[list[float]] = [[] for _ in codes.T]
    for _, i, code in sorted(ranked)[:most]:
        chosen[i].append(code)
    return chosen
