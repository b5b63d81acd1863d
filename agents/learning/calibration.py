"""Platt's sigmoid, fitted on out-of-fold margins: from a margin to a probability."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from relearn.schemas.model.linear_svm import Floats

#: With fewer examples in any class a fitted probability would mean nothing.
LEAST_PER_CLASS = 10
_ITERATIONS = 100
_RIDGE = 1e-12


def calibrate(margins: Floats, y: NDArray[np.intp], k: int) -> dict[str, Any] | None:
    """`{"a": […], "b": […]}`, one of each per row of weights, as `predict.confidence` reads them.

    Args:
        margins: (n, 1) for two classes, else (n, k), from models that didn't see the row; NaN where there is none.
        y: (n,) indexes of the true classes.
        k: the number of classes.

    Returns:
        None where any class has fewer than 10 rows with a margin.
    """
    columns = [1] if k == 2 else list(range(k))
    fitted = []
    for column, label in enumerate(columns):
        known = np.isfinite(margins[:, column])
        counts = np.bincount(y[known], minlength=k)
        if counts.min() < LEAST_PER_CLASS:
            return None
        fitted.append(platt(margins[known, column], y[known] == label))
    return {"a": [a for a, _ in fitted], "b": [b for _, b in fitted]}


def platt(margins: Floats, positive: NDArray[np.bool_]) -> tuple[float, float]:
    """`a` and `b` of 1 / (1 + exp(a·margin + b)), fitted to smoothed targets by Newton's method with backtracking.

    The algorithm of Lin, Lin and Weng, "A note on Platt's probabilistic outputs for support vector machines" (2007).
    """
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    targets = np.where(positive, (n_positive + 1.0) / (n_positive + 2.0), 1.0 / (n_negative + 2.0))
    # Margins of any size are scaled to about 1 first; the slope is scaled back at the end.
    unit = float(np.abs(margins).max()) or 1.0
    scaled = margins / unit
    at = np.array([0.0, np.log((n_negative + 1.0) / (n_positive + 1.0))])
    loss = _loss(at, scaled, targets)
    for _ in range(_ITERATIONS):
        exponent = at[0] * scaled + at[1]
        p = np.exp(-np.logaddexp(0.0, exponent))
        error = targets - p
        gradient = np.array([scaled @ error, error.sum()])
        if np.abs(gradient).max() < 1e-9:
            break
        curve = p * (1.0 - p)
        cross = scaled @ curve
        hessian = np.array([[scaled @ (scaled * curve) + _RIDGE, cross], [cross, curve.sum() + _RIDGE]])
        step = -np.linalg.solve(hessian, gradient)
        size = 1.0
        while size >= 1e-10:
            tried = _loss(at + size * step, scaled, targets)
            if tried < loss + 1e-4 * size * float(gradient @ step):
                at, loss = at + size * step, tried
                break
            size /= 2.0
        else:
            break
    return float(at[0] / unit), float(at[1])


def _loss(at: Floats, margins: Floats, targets: Floats) -> float:
    """Cross entropy of 1 / (1 + exp(z)) against the targets: Σ t·z + log(1 + exp(-z))."""
    exponent = at[0] * margins + at[1]
    return float((targets * exponent + np.logaddexp(0.0, -exponent)).sum())
