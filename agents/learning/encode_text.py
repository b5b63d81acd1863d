"""Texts → columns: the shares of their words, weighted by how rare they are. Fitting, and applying.

Equal to scikit-learn's HashingVectorizer (see `words`) and TfidfTransformer. Words without a column, because training
saw none of their bucket, count in the length of a text, as they do there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relearn.agents.learning.words import Buckets, bucket_of, buckets_of, folded, words_of
from relearn.schemas.model.encoder import BITS_MAX, BITS_MIN, TextPart
from relearn.schemas.model.linear_svm import Floats

#: What the columns of a model's texts may take in a message of `model-updates`.
TEXTS_MAX_BYTES = 4_000_000
#: Of each column beside its weights: mean, scale, bucket and inverse document frequency.
_COLUMN_BYTES = 28


class TextColumns(NamedTuple):
    """n texts as rows of a sparse matrix. values, columns: (m,), starts: (n + 1,), where each row's values begin.

    unknown: (n,), the share of its words that have no column.
    """

    values: Floats
    columns: NDArray[np.int64]
    starts: NDArray[np.int64]
    unknown: Floats


class _Known(NamedTuple):
    """column: the column of each bucket, -1 where it has none. idf: (buckets,)."""

    column: NDArray[np.int64]
    idf: Floats


@lru_cache(maxsize=64)
def _known(part: TextPart) -> _Known:
    places = part.places()
    column = np.full(1 << part.bits, -1, dtype=np.int64)
    column[places] = np.arange(len(places))
    # As the transformer has it for a bucket that no text has.
    idf = np.full(1 << part.bits, math.log(1.0 + part.texts) + 1.0)
    idf[places] = part.weights()
    return _Known(column, idf)


def encode_texts(part: TextPart, codes: Floats, texts: Mapping[float, str], first: int = 0) -> TextColumns:
    """The columns of n texts, from the column `first` on.

    codes: (n,), NaN where the text is missing. texts: the text of each code.
    """
    known, missing = _known(part), len(part.buckets) // 4
    found: dict[float, tuple[Floats, NDArray[np.int64], float]] = {}
    absent = (np.ones(1), np.array([missing]), 0.0)
    rows = []
    for code in codes.tolist():
        if math.isnan(code):
            rows.append(absent)
            continue
        if code not in found:
            found[code] = _row(folded(buckets_of(texts[code]), part.bits), known)
        rows.append(found[code])
    starts = np.cumsum([0, *(len(values) for values, _, _ in rows)])
    nothing = np.empty(0)
    return TextColumns(
        np.concatenate([nothing, *(values for values, _, _ in rows)]),
        np.concatenate([nothing.astype(np.int64), *(columns for _, columns, _ in rows)]) + first,
        starts,
        np.array([unknown for _, _, unknown in rows], dtype=np.float64),
    )


def _row(buckets: Buckets, known: _Known) -> tuple[Floats, NDArray[np.int64], float]:
    places, counts = buckets
    values = counts * known.idf[places]
    length = math.sqrt(float(values @ values)) or 1.0
    columns = known.column[places]
    has = columns >= 0
    total = counts.sum()
    unknown = float(counts[~has].sum() / total) if total else 0.0
    return values[has] / length, columns[has], unknown


def word_shares(part: TextPart, text: str) -> dict[str, tuple[int, float]]:
    """Of each word and pair with a column: the column, and what it adds to the column's value.

    Words of one bucket share its value by how often each stands there.
    """
    known = _known(part)
    words: dict[str, int] = {}
    for word in words_of(text):
        words[word] = words.get(word, 0) + 1
    values, columns, _ = _row(folded(buckets_of(text), part.bits), known)
    by_column = dict(zip(columns.tolist(), values.tolist(), strict=True))
    own = {word: int(known.column[bucket_of(word) & ((1 << part.bits) - 1)]) for word in words}
    totals: dict[int, int] = {}
    for word, count in words.items():
        totals[own[word]] = totals.get(own[word], 0) + count
    return {
        word: (own[word], by_column[own[word]] * count / totals[own[word]])
        for word, count in words.items()
        if own[word] >= 0
    }


def fit_texts(codes: Floats, texts: Mapping[float, str], *, missing: bool, rows: int, features: int) -> TextPart:
    """The part of n texts. codes: (n,), NaN where one is missing. `missing`: whether records may be without it.

    rows: of weights, of the model. features: the number of texts that share what a message may hold.
    """
    known = codes[~np.isnan(codes)]
    distinct, repeats = np.unique(known, return_counts=True)
    every = [buckets_of(texts[code]).places for code in distinct.tolist()]
    seen = len(np.unique(np.concatenate([np.empty(0, dtype=np.int64), *every])))
    bits = _bits(seen, TEXTS_MAX_BYTES // features // (8 * rows + _COLUMN_BYTES))
    counts = np.zeros(1 << bits, dtype=np.int64)
    mask = (1 << bits) - 1
    for places, times in zip(every, repeats.tolist(), strict=True):
        counts[np.unique(places & mask)] += times
    places = np.flatnonzero(counts)
    idf = np.log((1.0 + len(known)) / (1.0 + counts[places])) + 1.0
    return TextPart(missing, bits, len(known), places.astype("<i4").tobytes(), idf.astype("<f8").tobytes())


def _bits(seen: int, columns_max: int) -> int:
    """Twice as many buckets as words of training, so that few share one; fewer where a message couldn't hold them."""
    bits = min(BITS_MAX, max(BITS_MIN, math.ceil(math.log2(max(1, 2 * seen)))))
    while bits > BITS_MIN and min(seen, 1 << bits) > columns_max:
        bits -= 1
    return bits
