"""The shift of the drift scenario: some features move so far that the champion errs visibly. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from relearn.schemas.model.linear_svm import Floats, Model
from relearn.scripts.data.accuracy import accuracy
from relearn.scripts.data.datasets import Dataset

#: The number of features that move, and by how many of their standard deviations.
FEATURES = 6
BY_SD = 2.0
#: Maximum accuracy of the champion after the shift.
MAX_ACCURACY = 0.75
_DRAWS = 100


@dataclass(frozen=True)
class Shift:
    """`added`: the change of each feature, (d,), mostly 0. `names`: the features that move, in their order."""

    names: tuple[str, ...]
    added: Floats

    def apply(self, records: Dataset) -> Dataset:
        """The records as they read after the shift."""
        return replace(records, features=records.features + self.added)

    @property
    def text(self) -> str:
        """The shifted features, and by how much."""
        moved = self.added[self.added != 0]
        changes = ", ".join(f"{name} +{by:.3g}" for name, by in zip(self.names, moved, strict=True))
        return f"{len(self.names)} readings are {BY_SD:g} standard deviations higher from now on: {changes}"


def choose_shift(model: Model, records: Dataset, seed: int) -> Shift:
    """The first of a seeded series of draws under which the model's accuracy is at most MAX_ACCURACY, else the worst.

    `records` are those to stream: held-back records don't influence it. A champion that has learned one shift gets
    another.
    """
    worst, least = _draw(records, seed, 0), np.inf
    for number in range(_DRAWS):
        drawn = _draw(records, seed, number)
        right = accuracy(model, drawn.apply(records))
        if right < least:
            worst, least = drawn, right
        if least <= MAX_ACCURACY:
            break
    return worst


def _draw(records: Dataset, seed: int, number: int) -> Shift:
    spread = records.spread
    moving = np.flatnonzero(spread > 0)
    rng = np.random.default_rng([seed, number])
    chosen = np.sort(rng.choice(moving, min(FEATURES, len(moving)), replace=False))
    added = np.zeros(len(spread))
    added[chosen] = BY_SD * spread[chosen]
    return Shift(tuple(records.feature_names[i] for i in chosen), added)
