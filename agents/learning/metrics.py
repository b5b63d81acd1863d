"""Classification metrics as plain counts, for people and for the gate's test of the first model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def classification_metrics(y: NDArray[np.intp], answers: NDArray[np.intp], classes: Sequence[str]) -> dict[str, Any]:
    """Counts and shares of `answers` against the truth `y`, both (n,) indexes into `classes`, n > 0.

    `confusion` has a row per true class and a column per answer; `majority` is the
    accuracy of always answering `majority_class`.
    """
    n, k = len(y), len(classes)
    confusion = np.bincount(y * k + answers, minlength=k * k).reshape(k, k)
    counts = confusion.sum(axis=1)
    return {
        "examples": n,
        "accuracy": float(np.trace(confusion) / n),
        "majority": float(counts.max() / n),
        "majority_class": classes[int(counts.argmax())],
        "per_class": {
            label: {
                "examples": int(counts[i]),
                "answered": int(confusion[:, i].sum()),
                "right": int(confusion[i, i]),
            }
            for i, label in enumerate(classes)
        },
        "confusion": confusion.tolist(),
    }
