"""Where records come from: streams, real and synthetic, each a distribution that may shift once, mid-stream.

Three parts are drawn apart from one another: the rows that train the first model, the records, and a held-back set
that no model ever sees. The rows of a real set are few: records are noisy resamples of those that are not among the
first, and a resample keeps the subject of its row. The held-back set is drawn as the records are, and is large: 60 real
rows couldn't tell two models apart by a point.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from relearn.schemas.features import numbers_alone
from relearn.schemas.model.linear_svm import Floats
from relearn.scripts.data.datasets import Dataset, load_dataset, resample_with_noise, split_rows

#: Standard deviations of each feature, as in the demo.
NOISE = 0.2
#: Enough records to find a difference of a point between two models that differ in 6 % of their answers.
HELD_BACK = 5000
#: Records after those that are reviewed, for the drift watch: its reference, and three windows.
QUIET = 2500


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream, drawn. Of `records`, the first `reviewed` can be reviewed; from `drift_at` on they are shifted.

    `held_back`: as the stream ends; `held_back_early`: as before a shift.
    """

    name: str
    bootstrap: Dataset
    records: Dataset
    held_back: Dataset
    held_back_early: Dataset
    reviewed: int
    drift_at: int | None

    def held_back_at(self, record: int) -> Dataset:
        """Held-back records like those that come from number `record` on."""
        return self.held_back_early if self.drift_at is not None and record < self.drift_at else self.held_back


Draw = Callable[[int], Dataset]
#: First rows and a way to draw more, from: how many rows, a seed, and the generator of what is drawn.
Source = Callable[[int, int, np.random.Generator], tuple[Dataset, Draw]]
#: Features (n, d) and the spread of each (d,) to shifted features.
Shift = Callable[[Floats, Floats], Floats]


@dataclass(frozen=True, slots=True)
class Spec:
    """How a stream is drawn: the numbers of first rows and of reviewable records; the shift comes halfway."""

    source: Source
    first_rows: int = 40
    reviewed: int = 2400
    shift: Shift | None = None


def draw_stream(name: str, seed: int, *, shorter: int = 1) -> Stream:
    """The stream of that name; the same seed gives the same one. `shorter`: divides its length, for tests."""
    spec = STREAMS[name]
    rng = np.random.default_rng([seed, *name.encode()])
    reviewed, quiet = spec.reviewed // shorter, QUIET // shorter
    first, draw = spec.source(spec.first_rows, seed, rng)
    records, held_back = draw(reviewed + quiet), draw(HELD_BACK)
    if spec.shift is None:
        return Stream(name, first, records, held_back, held_back, reviewed, None)
    drift_at = reviewed // 2
    spread = records.spread
    shifted = spec.shift(records.features, spread)
    late = np.arange(len(records))[:, None] >= drift_at
    records = replace(records, features=np.where(late, shifted, records.features))
    held_back_late = replace(held_back, features=spec.shift(held_back.features, spread))
    return Stream(name, first, records, held_back_late, held_back, reviewed, drift_at)


def _bundled(name: str) -> Source:
    def source(first_rows: int, seed: int, rng: np.random.Generator) -> tuple[Dataset, Draw]:
        first, rest = split_rows(_loaded(name), first_rows, seed)
        return first, lambda n: resample_with_noise(rest, n, rng, NOISE)

    return source


_loaded = lru_cache(load_dataset)


def _gaussian(k: int, d: int, apart: float) -> Source:
    """k classes around means that are about `apart` from one another, correlated, the first twice as frequent."""

    def source(first_rows: int, seed: int, rng: np.random.Generator) -> tuple[Dataset, Draw]:
        means = rng.standard_normal((k, d)) * apart / np.sqrt(2 * d)
        mixing = np.eye(d) + 0.5 * rng.standard_normal((d, d)) / np.sqrt(d)
        frequency = np.array([2.0, *np.ones(k - 1)]) / (k + 1)
        drawn = 0

        def draw(n: int) -> Dataset:
            nonlocal drawn
            y: NDArray[np.intp] = rng.choice(k, n, p=frequency)
            features = (means[y] + rng.standard_normal((n, d))) @ mixing
            subjects = tuple(f"synthetic-{drawn + i}" for i in range(n))
            drawn += n
            names = tuple(f"x{i + 1}" for i in range(d))
            return Dataset("synthetic", numbers_alone(names), features, tuple(f"class {i}" for i in y), subjects)

        return split_rows(draw(10 * first_rows), first_rows, seed)[0], draw

    return source


def _returning(source: Source, subjects: int) -> Source:
    """Of `source`, but every record is a noisy resample of one of `subjects` rows: customers, machines, products."""

    def returning(first_rows: int, seed: int, rng: np.random.Generator) -> tuple[Dataset, Draw]:
        first, draw = source(first_rows, seed, rng)
        pool = draw(subjects)
        return first, lambda n: resample_with_noise(pool, n, rng, NOISE)

    return returning


def _moved(columns: int, by: float) -> Shift:
    """The first columns moved by a number of standard deviations."""

    def shift(features: Floats, spread: Floats) -> Floats:
        amount = np.where(np.arange(len(spread)) < columns, by, 0.0) * spread
        return features + amount

    return shift


def _scaled(columns: int, factor: float) -> Shift:
    """The first columns in another unit."""

    def shift(features: Floats, spread: Floats) -> Floats:
        return features * np.where(np.arange(len(spread)) < columns, factor, 1.0)

    return shift


STREAMS = {
    "breast_cancer": Spec(_bundled("breast_cancer")),
    "breast_cancer_shift": Spec(_bundled("breast_cancer"), shift=_moved(6, 2.0)),
    "digits": Spec(_bundled("digits")),
    "wine": Spec(_bundled("wine"), reviewed=1200),
    "two_class": Spec(_gaussian(2, 10, 3.5)),
    "two_class_shift": Spec(_gaussian(2, 10, 3.5), shift=_moved(5, 1.0)),
    "multi_class": Spec(_gaussian(4, 12, 4.5)),
    "multi_class_300": Spec(_returning(_gaussian(4, 12, 4.5), 300)),
    "multi_class_2000": Spec(_returning(_gaussian(4, 12, 4.5), 2000)),
    "multi_class_scale": Spec(_gaussian(4, 12, 4.5), shift=_scaled(4, 3.0)),
    "orders": Spec(_bundled("orders"), first_rows=100),
    "orders_shift": Spec(_bundled("orders"), first_rows=100, shift=_moved(3, 1.0)),
    "letters": Spec(_bundled("letters"), first_rows=100),
    "digits_60": Spec(_bundled("digits"), first_rows=60),
}
#: What every kind of feedback is judged on; the demo's digits are there to be asked for.
JUDGED = tuple(name for name in STREAMS if name != "digits_60")
