"""Rows → the columns that a model has weights for: numbers imputed, categories one-hot, words of texts (`encode_text`).

Equal to scikit-learn's SimpleImputer(strategy="median", add_indicator=True) and OneHotEncoder(min_frequency=2) on each
feature; scikit-learn itself would take ten times as long to import as to fit.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relearn.agents.learning.encode_text import TextColumns, encode_texts, fit_texts
from relearn.schemas.errors import Refused
from relearn.schemas.features import NO_STRINGS, FeatureSchema, StringOf, code_of
from relearn.schemas.model.encoder import (
    COLUMNS_MAX,
    LEVELS_MAX,
    CategoryPart,
    Encoder,
    NumberPart,
    Part,
    TextPart,
    columns_of,
)
from relearn.schemas.model.linear_svm import Floats, Model

#: How often a level has to be seen in training for a column of its own.
LEAST_PER_LEVEL = 2
#: Rows times the square of columns that levels may bring a training to: about a minute of one core for its 16 fits.
WORK_MAX = 2_000_000_000
#: As many columns are affordable however many rows there are.
LEAST_COLUMNS = 200


#: Encoded rows in full, (n, width) float64: an array, or with texts a sparse one (scipy's csr_array).
Columns = Any


class _Levels(NamedTuple):
    """A category's levels in the order of their codes. codes, columns: (m,).

    place: its column of a row. start: its first column.
    """

    place: int
    codes: Floats
    columns: NDArray[np.intp]
    start: int
    m: int


class _Text(NamedTuple):
    """A text. place: its column of a row. start, stop: its columns."""

    place: int
    part: TextPart
    start: int
    stop: int


class _Plan(NamedTuple):
    """An encoder to apply. imputed: (numbers,). indicators: the numbers that have one. levels: of each category."""

    imputed: Floats
    indicators: NDArray[np.intp]
    levels: tuple[_Levels, ...]
    texts: tuple[_Text, ...]
    width: int


@lru_cache(maxsize=64)
def _plan(encoder: Encoder) -> _Plan:
    numbers = encoder.numbers
    indicators = np.flatnonzero([part.indicator for part in numbers])
    start = len(numbers) + len(indicators)
    levels: list[_Levels] = []
    texts: list[_Text] = []
    for place, part in enumerate(encoder.strings, len(numbers)):
        stop = start + columns_of(part)
        if isinstance(part, TextPart):
            texts.append(_Text(place, part, start, stop))
        else:
            codes = np.array([code_of(level) for level in part.levels], dtype=np.float64)
            order = np.argsort(codes)
            levels.append(_Levels(place, codes[order], start + order, start, len(codes)))
        start = stop
    imputed = np.array([part.imputed for part in numbers], dtype=np.float64)
    return _Plan(imputed, indicators, tuple(levels), tuple(texts), start)


class Encoded(NamedTuple):
    """n encoded rows. dense: (n, numbers and indicators). columns: (n,) of each category, the one column that is 1.

    texts: the columns of each text.
    """

    dense: Floats
    columns: tuple[NDArray[np.intp], ...]
    texts: tuple[TextColumns, ...] = ()


def encode(encoder: Encoder | None, rows: Floats, string_of: StringOf = NO_STRINGS) -> Encoded:
    """Encode (n, d) rows, which without an encoder are `dense`. What isn't among a category's levels is another level.

    Raises:
        ValueError: rows of another width.
        KeyError: a text isn't in `string_of`.
    """
    if encoder is None:
        return Encoded(rows, ())
    plan, n_numbers = _plan(encoder), len(encoder.numbers)
    if rows.shape[1] != len(encoder.parts):
        raise ValueError(f"rows of {rows.shape[1]} values; the encoder has {len(encoder.parts)}")
    numbers = rows[:, :n_numbers]
    missing = np.isnan(numbers)
    dense = np.hstack([np.where(missing, plan.imputed, numbers), missing[:, plan.indicators]])
    columns = tuple(_columns(rows[:, one.place], one) for one in plan.levels)
    texts = tuple(encode_texts(one.part, rows[:, one.place], string_of, one.start) for one in plan.texts)
    return Encoded(dense, columns, texts)


def _columns(codes: Floats, levels: _Levels) -> NDArray[np.intp]:
    found = np.where(np.isnan(codes), levels.start + levels.m + 1, levels.start + levels.m)
    if levels.m:
        place = np.minimum(np.searchsorted(levels.codes, codes), levels.m - 1)
        known = levels.codes[place] == codes
        found[known] = levels.columns[place[known]]
    return found


def columns_matrix(encoder: Encoder | None, rows: Floats, string_of: StringOf = NO_STRINGS) -> Columns:
    """(n, width): the columns in full. Without an encoder the rows themselves."""
    if encoder is None:
        return rows
    encoded, plan = encode(encoder, rows, string_of), _plan(encoder)
    if plan.texts:
        return _sparse(plan, encoded)
    matrix = np.zeros((len(rows), plan.width))
    matrix[:, : encoded.dense.shape[1]] = encoded.dense
    for column in encoded.columns:
        matrix[np.arange(len(rows)), column] = 1.0
    return matrix


def _sparse(plan: _Plan, encoded: Encoded) -> Any:
    from scipy.sparse import coo_array  # type: ignore[import-untyped] # noqa: PLC0415 - for texts alone

    n = len(encoded.dense)
    row, column = np.nonzero(encoded.dense)
    parts = [(row, column, encoded.dense[row, column])]
    parts += [(np.arange(n), one, np.ones(n)) for one in encoded.columns]
    parts += [(np.repeat(np.arange(n), np.diff(one.starts)), one.columns, one.values) for one in encoded.texts]
    rows, columns, values = (np.concatenate(found) for found in zip(*parts, strict=True))
    return coo_array((values, (rows, columns)), shape=(n, plan.width)).tocsr()


def square_distances(model: Model, rows: Floats, string_of: StringOf) -> Floats:
    """(n - 1,): of each other row's columns from those of the first row, in units of the model's scale."""
    columns = columns_matrix(model.encoder, rows, string_of)
    if not model.schema.texts:
        columns = columns / model.scale
        return np.asarray(((columns[1:] - columns[0]) ** 2).sum(axis=1))
    columns = columns.multiply(1.0 / model.scale).tocsr()
    squares = columns.multiply(columns).sum(axis=1)
    products = (columns[1:] @ columns[[0]].T).toarray()[:, 0]
    # Rounding may leave a little less than nothing between equal rows.
    distances: Floats = np.maximum(squares[1:] + squares[0] - 2.0 * products, 0.0)
    return distances


def products(encoded: Encoded, weights: Floats) -> Floats:
    """(n, k): n encoded rows times weights (k, width), without the zeros of the categories and texts."""
    dense, columns, texts = encoded
    found: Floats = dense @ weights[:, : dense.shape[1]].T
    by_column = weights.T
    for column in columns:
        found += by_column[column]
    for one in texts:
        from scipy.sparse import csr_array  # noqa: PLC0415 - for texts alone

        found += csr_array((one.values, one.columns, one.starts), shape=(len(dense), len(by_column))) @ by_column
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
    for one in plan.levels:
        sums[one.place] = cells[one.start : one.start + one.m + 2].sum()
    for text in plan.texts:
        sums[text.place] = cells[text.start : text.stop].sum()
    return sums


def fit_encoder(schema: FeatureSchema, rows: Floats, string_of: StringOf, classes: int = 2) -> Encoder | None:
    """The encoder of a training set's (n, d) rows; None where the schema needs none.

    string_of: the string of each code. Of two equally frequent levels the one with the smaller code comes first.
    classes: of the model; with many the words of a text share fewer buckets, so that the model can be sent.

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
    codes = rows[:, len(schema.numbers) :]
    categories = [j for j in range(len(schema.strings)) if j not in schema.texts]
    for j, chosen in zip(categories, _frequent(codes[:, categories], max(0, most)), strict=True):
        place = schema.strings[j]
        levels = tuple(sorted(string_of[code] for code in chosen if code in string_of))
        parts[place] = CategoryPart(schema.features[place].missing, levels)
    weights_rows = 1 if classes == 2 else classes
    for j in schema.texts:
        place = schema.strings[j]
        parts[place] = fit_texts(
            codes[:, j],
            string_of,
            missing=schema.features[place].missing,
            rows=weights_rows,
            features=len(schema.texts),
        )
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
