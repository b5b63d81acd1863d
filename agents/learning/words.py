"""The words of a text, and pairs of neighbouring words, as numbered buckets: those of scikit-learn's HashingVectorizer.

HashingVectorizer(ngram_range=(1, 2), alternate_sign=False, norm=None, n_features=2**bits); importing it costs a worker
a second and 50 MB.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

import mmh3
import numpy as np
from numpy.typing import NDArray

from relearn.schemas.model.encoder import BITS_MAX

_WORD = re.compile(r"\b\w\w+\b")
_MASK = (1 << BITS_MAX) - 1


class Buckets(NamedTuple):
    """The different buckets of a text, ascending, and how many of its words and pairs each has. Both (m,)."""

    places: NDArray[np.int64]
    counts: NDArray[np.int64]


def words_of(text: str) -> list[str]:
    """Its words of at least two characters in lower case, then each pair of neighbours with a blank between them."""
    words: list[str] = _WORD.findall(text.lower())
    return [*words, *(f"{one} {after}" for one, after in pairwise(words))]


def bucket_of(word: str) -> int:
    """One of 2**BITS_MAX buckets. Of 2**b buckets it is the one of the lower b bits."""
    # A lone surrogate, which UTF-8 can't write, has no place in a message; it may come in a call.
    return abs(mmh3.hash(word.encode("utf-8", "replace"))) & _MASK


def buckets_of(text: str) -> Buckets:
    """The buckets of a text, of 2**BITS_MAX."""
    places = np.array([bucket_of(word) for word in words_of(text)], dtype=np.int64)
    return Buckets(*np.unique(places, return_counts=True))


def folded(buckets: Buckets, bits: int) -> Buckets:
    """The same of 2**bits buckets."""
    if bits == BITS_MAX:
        return buckets
    places, which = np.unique(buckets.places & ((1 << bits) - 1), return_inverse=True)
    return Buckets(places, np.bincount(which, buckets.counts, len(places)).astype(np.int64))
