"""The optimum of a linear SVM with squared hinge loss: Newton's method on the primal problem. Pure, numpy alone.

    minimise over w   ½‖w‖² + Σᵢ cᵢ·max(0, 1 - sᵢ·xᵢw)²

which is the problem of liblinear's L2-regularised L2-loss SVC (Fan et al., 2008, section 2), and of scikit-learn's
`LinearSVC(dual=False)`. The bias is the weight of a constant column, and is regularised like the others.

The function is quadratic where no row crosses its margin (1 - sᵢ·xᵢw = 0). A Newton step finds the minimum of one such
region (Keerthi and DeCoste, 2005); the step length is exact. liblinear stops at a tolerance; this stops at the optimum,
up to rounding: the function is strongly convex with modulus 1, so that it exceeds its minimum by at most ½‖gradient‖².
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from relearn.schemas.model.linear_svm import Floats

#: The objective exceeds its minimum by at most this share.
_PRECISION = 1e-12
#: Newton needs about ten steps, from a neighbour's solution two or three.
_STEPS_MAX = 200
#: From this number of columns on, conjugate gradients take the place of the matrix of second derivatives.
_DENSE_COLUMNS_MAX = 1500
_CG_STEPS_MAX = 250
_CG_PRECISION = 1e-3
#: Rows of one product: as many as stay in the processor's cache.
_BLOCK_NUMBERS = 1 << 17


def solve(rows: Any, signs: Floats, costs: Floats, starts: Floats | None = None) -> Floats:
    """The weights (k, m) that minimise the function above, for k problems on the same rows.

    rows: (n, m), an array or a sparse one. signs: (k, n), each 1.0 or -1.0. costs: (k, n), each ≥ 0. starts: (k, m),
    where the searches begin: a neighbour's solution saves steps, and changes the result by rounding alone. The same
    arguments give the same bytes.

    All problems take their steps together, so that the rows are read from memory once for all of them.
    """
    k, m = len(signs), rows.shape[1]
    w = np.zeros((k, m)) if starts is None else starts.copy()
    dense = isinstance(rows, np.ndarray) and m <= _DENSE_COLUMNS_MAX
    curvatures = [(_Curvature if dense else _Products)(rows, costs[i]) for i in range(k)]
    signed = (w @ rows.T) * signs
    # The problems that are not solved yet.
    left = np.arange(k)
    for _ in range(_STEPS_MAX):
        slack = 1.0 - signed[left]
        active = slack > 0.0
        losses = np.where(active, costs[left] * slack, 0.0)
        gradients = w[left] - 2.0 * ((losses * signs[left]) @ rows)
        objectives = 0.5 * (w[left] ** 2).sum(axis=1) + (losses * slack).sum(axis=1)
        far = 0.5 * (gradients**2).sum(axis=1) > _PRECISION * objectives
        left, slack, active, gradients = left[far], slack[far], active[far], gradients[far]
        if not len(left):
            break
        steps = np.array([curvatures[i].solve(active[j], -gradients[j]) for j, i in enumerate(left)])
        along = (steps @ rows.T) * signs[left]
        lengths = np.array([_exact_length(w[i], steps[j], slack[j], along[j], costs[i]) for j, i in enumerate(left)])
        w[left] += lengths[:, None] * steps
        signed[left] += lengths[:, None] * along
        left = left[lengths != 0.0]
    return w


def _exact_length(w: Floats, step: Floats, slack: Floats, along: Floats, costs: Floats) -> float:
    """The t that minimises the function at w + t·step. Its derivative rises, and is linear between the rows' margins.

    slack: (n,), 1 - sᵢ·xᵢw. along: (n,), sᵢ·xᵢ·step. Returns 0 where rounding leaves no descent.
    """
    down, square = float(w @ step), float(step @ step)
    pulls = costs * along
    low, high, t = 0.0, np.inf, 1.0
    for _ in range(_STEPS_MAX):
        left = slack - t * along
        active = left > 0.0
        left *= active
        slope = down + t * square - 2.0 * float(pulls @ left)
        if abs(slope) <= 1e-9 * abs(down) or slope == 0.0:
            return t
        rise = square + 2.0 * float(pulls @ (along * active))
        low, high = (t, high) if slope < 0.0 else (low, t)
        newton = t - slope / rise if rise > 0.0 else np.inf
        # Newton's step, unless rounding takes it out of the bracket.
        after = newton if low < newton < high else 0.5 * (low + min(high, 2.0 * t + 1.0))
        if after in (t, low, high):
            return low
        t = after
    return t


class _Curvature:
    """The second derivatives I + 2·Σ cᵢ·xᵢxᵢᵀ over the active rows, kept up to date by the rows that change sides."""

    def __init__(self, rows: Floats, costs: Floats) -> None:
        self._rows, self._costs = rows, costs
        self._matrix = np.eye(rows.shape[1])
        self._active = np.zeros(len(rows), dtype=np.bool_)

    def solve(self, active: NDArray[np.bool_], right: Floats) -> Floats:
        """The solution of matrix·x = right."""
        changed = active != self._active
        if 2 * np.count_nonzero(changed) > np.count_nonzero(active):
            self._matrix = np.eye(len(self._matrix)) + self._gram(np.flatnonzero(active), self._costs)
        else:
            self._matrix += self._gram(np.flatnonzero(changed), np.where(active, self._costs, -self._costs))
        self._active = active
        return np.asarray(np.linalg.solve(self._matrix, right), dtype=np.float64)

    def _gram(self, chosen: NDArray[np.intp], costs: Floats) -> Floats:
        m = self._rows.shape[1]
        total = np.zeros((m, m))
        size = max(1, _BLOCK_NUMBERS // m)
        for begin in range(0, len(chosen), size):
            part = chosen[begin : begin + size]
            block = self._rows[part]
            total += (block * (2.0 * costs[part])[:, None]).T @ block
        return total


class _Products:
    """The same matrix for many or sparse columns: known by its products alone, solved by conjugate gradients."""

    def __init__(self, rows: Any, costs: Floats) -> None:
        self._rows, self._costs = rows, costs

    def solve(self, active: NDArray[np.bool_], right: Floats) -> Floats:
        """The solution of matrix·x = right, within _CG_PRECISION: more steps of Newton make up for it."""
        weights = np.where(active, 2.0 * self._costs, 0.0)
        found = np.zeros_like(right)
        residual, direction = right.copy(), right.copy()
        square = float(residual @ residual)
        enough = _CG_PRECISION**2 * square
        for _ in range(_CG_STEPS_MAX):
            product = direction + (weights * (self._rows @ direction)) @ self._rows
            length = square / float(direction @ product)
            found += length * direction
            residual -= length * product
            before, square = square, float(residual @ residual)
            if square <= enough:
                break
            direction = residual + (square / before) * direction
        return found
