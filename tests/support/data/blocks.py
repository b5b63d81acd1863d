"""Blocks of predictions for tests: seeded, and in every shape that a scorer may send."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from relearn.schemas.messages.predictions import Block
from relearn.schemas.messages.shadow_answers import ShadowAnswers

#: Noon of a day, and the clock of tests that store what was ingested then.
NOON_S = 1_790_000_000.0 // 86_400 * 86_400 + 43_200


def block_of(n: int = 5, *, first_offset: int = 0, d: int = 3, k: int = 2, seed: int = 0, **given: Any) -> Block:
    """A block of n records of d features and k classes, ingested a millisecond apart; `given` replaces columns."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {
        "generation": 0,
        "partition": 0,
        "offsets": np.arange(first_offset, first_offset + n, dtype=np.int64),
        "indexes": np.zeros(n, np.int32),
        "ingested_at": NOON_S + (first_offset + np.arange(n)) / 1000.0,
        "ids": [None] * n,
        "subjects": [None] * n,
        "batches": [None] * n,
        "contexts": [None] * n,
        "features": rng.normal(size=(n, d)),
        "classes": tuple(str(i) for i in range(k)),
        "labels": rng.integers(0, k, n).astype(np.int16),
        "margins": rng.normal(size=(n, 1 if k == 2 else k)),
        "confidence": rng.random(n).astype(np.float32),
        "model": 1,
        "activation": 1,
        "scored_at": NOON_S + 1,
    }
    return Block(**{**columns, **given})


def block_at(at_s: float, n: int = 1, **given: Any) -> Block:
    """A block of n records that were ingested at one time."""
    return block_of(n, ingested_at=np.full(n, at_s), **given)


def shadow_of(n: int = 5, *, k: int = 2, seed: int = 7, **given: Any) -> ShadowAnswers:
    """A shadow's answers to n records, in k classes; `given` replaces columns."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {
        "model": 2,
        "activation": 2,
        "classes": tuple(str(i) for i in range(k)),
        "labels": rng.integers(0, k, n).astype(np.int16),
        "margins": rng.normal(size=(n, 1 if k == 2 else k)),
    }
    return ShadowAnswers(**{**columns, **given})


def assert_same(found: Any, wanted: Any) -> None:
    """Two blocks, or two shadows' answers, are equal column by column, bit for bit; NaN equals itself."""
    for field in dataclasses.fields(wanted):
        one, other = getattr(found, field.name), getattr(wanted, field.name)
        if isinstance(other, ShadowAnswers):
            assert isinstance(one, ShadowAnswers), "the shadow's answers are lost"
            assert_same(one, other)
        elif isinstance(other, np.ndarray):
            assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes()), field.name
        else:
            np.testing.assert_array_equal(one, other)
