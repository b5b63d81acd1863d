"""Fitting a linear SVM, one class against the rest, evaluated out of fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relearn.agents.learning.calibration import calibrate
from relearn.agents.learning.encode import Columns, columns_matrix, fit_encoder
from relearn.agents.learning.fitted_model import Classes, Fitted, FoldModel
from relearn.agents.learning.metrics import classification_metrics
from relearn.agents.learning.sample import LEAST_PER_CLASS
from relearn.agents.learning.solver import solve
from relearn.agents.learning.training_set import FOLDS, TrainingSet, folds_of, sampled
from relearn.schemas.errors import Refused
from relearn.schemas.model.linear_svm import Floats

#: Minimum number of labelled examples for choosing C by folds; with fewer, C is C_FEW.
CHOOSE_FROM = 60
C_FEW = 0.1
C_CHOICE = (0.01, 0.1, 1.0)
#: Number of examples, sampled by hash, from which C is chosen where there are more than twice as many; from all of them
#: where the sample is too poor in labels for that.
CHOOSE_ON = 5_000
#: Maximum number of classes left out that a model's metrics name.
SET_ASIDE_SHOWN = 20
#: A feature whose values are closer together than this counts as constant: its weights would not be finite.
LEAST_SCALE = 1e-140
#: Numbers of one array where classes are fitted together: 8 MB.
_TOGETHER_NUMBERS = 1 << 20


class Svm(NamedTuple):
    """Margins are `features @ weights.T + bias` on raw features. weights: (rows, d), bias: (rows,), the rest (d,)."""

    weights: Floats
    bias: Floats
    mean: Floats
    scale: Floats


class OutOfFold(NamedTuple):
    """Each row predicted by a model not fitted on it. margins: (n, 1 or k). `models`: one per fold, without it.

    `near`: the last of the models, if any, as the start of a fit on all rows.
    """

    margins: Floats
    answers: Classes
    models: tuple[FoldModel, ...]
    near: Svm | None


def fit(examples: TrainingSet) -> Fitted:
    """The model of `examples`, and the models without each fold.

    The same set gives the same numbers, bit for bit. Only labelled examples choose C, calibrate and count in metrics.

    Raises:
        Refused: no model can be fitted; the message has the reason.
    """
    classes = tuple(sorted(set(examples.labels)))
    if len(classes) < 2:
        raise Refused(_too_few(examples, classes))
    encoder = fit_encoder(examples.schema, examples.features, examples.string_of, len(classes))
    features = columns_matrix(encoder, examples.features, examples.string_of)
    scaled = len(examples.schema.numbers)
    _check_size(_first(features, scaled), examples.schema.row_names)
    k = len(classes)
    y = np.searchsorted(np.array(classes, dtype=object), np.array(examples.labels, dtype=object))
    folds, real, weights = folds_of(examples.keys), examples.real, examples.weights
    candidates, near = C_CHOICE if real.sum() >= CHOOSE_FROM else (C_FEW,), None
    some = sampled(examples.keys, CHOOSE_ON) if len(y) > 2 * CHOOSE_ON else None
    if some is not None and _can_choose(y[some][real[some]], k):
        outs = out_of_fold(
            features[some], y[some], weights[some], folds[some], k=k, candidates=candidates, scaled=scaled
        )
        candidates = (_best_c(outs, y[some], real[some]),)
        near = outs[candidates[0]].near
    outs = out_of_fold(features, y, weights, folds, k=k, candidates=candidates, near=near, scaled=scaled)
    c = _best_c(outs, y, real)
    svm = fit_svm(features, y, c, weights, outs[c].near, scaled=scaled)
    if not _is_finite(svm):
        raise Refused("the features' values are so large or so close together that no model can be computed")
    metrics = {
        **classification_metrics(y[real], outs[c].answers[real], classes),
        "c": c,
        **_set_aside(examples),
        "assumed": int((~real).sum()),
        # The same records for every model, whatever other examples each is trained on.
        "bootstrap": _on(examples.of("bootstrap"), outs[c].answers == y),
    }
    calibration = calibrate(outs[c].margins[real], y[real], k)
    # What isn't scaled has its share as its mean, for the explanation of a prediction.
    svm.mean[scaled:] = features[:, scaled:].mean(axis=0)
    return Fitted(classes, *svm, calibration, metrics, outs[c].models, encoder)


def _can_choose(y: Classes, k: int) -> bool:
    """Whether these labelled examples, some of all, are enough for the choice of C: with two of each class at least."""
    return len(y) >= CHOOSE_FROM and bool((np.bincount(y, minlength=k) >= LEAST_PER_CLASS).all())


def _best_c(outs: Mapping[float, OutOfFold], y: Classes, real: NDArray[np.bool_]) -> float:
    """The C with most right answers; the smallest of equals: it depends least on single examples."""
    return max(outs, key=lambda c: (int((outs[c].answers == y)[real].sum()), -c))


def fit_svm(
    features: Columns,
    y: Classes,
    c: float,
    sample_weights: Floats | None = None,
    start: Svm | None = None,
    *,
    scaled: int | None = None,
) -> Svm:
    """The optimum of LinearSVC's problem on standardised features, the scaler folded into its weights.

    A constant feature has scale 1. Classes are weighted as `class_weight="balanced"` does: two classes both, of more
    than two each one against the unweighted rest.

    features: (n, d). y: (n,), at least two different values; `y` of two values gives one row of weights.
    sample_weights: (n,), the weight of each row's loss; None: all 1. start: a model of a similar set, which saves time.
    scaled: the number of columns that are standardised, the first ones; None: all.
    """
    weights = np.ones(len(y)) if sample_weights is None else sample_weights
    return _fit(standardised(features, scaled), y, c, weights, start)


class Standardised(NamedTuple):
    """rows: (n, d + 1), standardised features and a column of ones, sparse as the features are. mean, scale: (d,)."""

    rows: Columns
    mean: Floats
    scale: Floats


def standardised(features: Columns, scaled: int | None = None) -> Standardised:
    """Mean and scale as StandardScaler computes them; |x - mean| / scale is at most √n + 1.

    After the first `scaled` columns, which are all where it is None, the others stay as they are: mean 0, scale 1.

    StandardScaler treats a column that varies within its rounding error as constant and leaves it unscaled. For values
    around 1e100 that error is 1e84, and no solver would come to an end, so such columns are scaled here.
    """
    n, d = features.shape
    if not isinstance(features, np.ndarray):
        return _standardised_sparse(features, d if scaled is None else scaled)
    rows = np.empty((n, d + 1))
    rows[:, -1] = 1.0
    mean, scale = np.zeros(d), np.ones(d)
    first = slice(d if scaled is None else scaled)
    rows[:, first.stop : -1] = features[:, first.stop :]
    mean[first], scale[first] = _standardise(features[:, first], rows[:, first])
    return Standardised(rows, mean, scale)


def _first(features: Columns, columns: int) -> Floats:
    """(n, columns): the first columns, in full."""
    first = features[:, :columns]
    return first if isinstance(first, np.ndarray) else first.toarray()


def _standardised_sparse(features: Columns, scaled: int) -> Standardised:
    from scipy.sparse import csr_array, hstack  # type: ignore[import-untyped] # noqa: PLC0415 - for texts alone

    n, d = features.shape
    first = _first(features, scaled)
    mean, scale = np.zeros(d), np.ones(d)
    mean[:scaled], scale[:scaled] = _standardise(first.copy(), first)
    return Standardised(hstack([csr_array(first), features[:, scaled:], np.ones((n, 1))], format="csr"), mean, scale)


def _standardise(features: Floats, off: Floats) -> tuple[Floats, Floats]:
    """Standardises features (n, d) into `off`; mean and scale of each column."""
    n = len(features)
    if not features.size:
        return np.empty(0), np.empty(0)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        constant = features.max(axis=0) == features.min(axis=0)
        mean = np.where(constant, features[0], features.mean(axis=0))
        np.subtract(features, mean, out=off)
        # Two passes, and the second corrected by its own mean (Chan, Golub and LeVeque, 1983).
        variance = np.einsum("ij,ij->j", off, off) / n - off.mean(axis=0) ** 2
        eps = np.finfo(np.float64).eps
        flat = constant | (variance <= n * eps * variance + (n * mean * eps) ** 2)
        scale = np.where(flat, 1.0, np.sqrt(np.where(flat, 1.0, variance)))
        off /= scale
        wild = np.maximum(off.max(axis=0), -off.min(axis=0)) > np.sqrt(n) + 1.0
        scale[wild] = features[:, wild].std(axis=0)
        tiny = scale < LEAST_SCALE
        scale[tiny] = 1.0
        again = wild | tiny
        off[:, again] = (features[:, again] - mean[again]) / scale[again]
    return mean, scale


def _fit(given: Standardised, y: Classes, c: float, sample_weights: Floats, start: Svm | None) -> Svm:
    rows, mean, scale = given
    seen, place = np.unique(y, return_inverse=True)
    balanced = sample_weights.sum() / (len(seen) * np.bincount(place, weights=sample_weights))
    # Of two classes the second one, else each against the rest.
    ones = np.arange(len(seen))[:, None] if len(seen) > 2 else np.array([[1]])
    at_once = max(1, min(_TOGETHER_NUMBERS // len(y), _TOGETHER_NUMBERS // rows.shape[1] ** 2))
    near = start if start is not None and len(start.bias) == len(ones) and _is_finite(start) else None
    found = []
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        # In the coordinates of these rows.
        starts = None if near is None else np.c_[near.weights * scale, near.bias + near.weights @ mean]
        for begin in range(0, len(ones), at_once):
            part = slice(begin, begin + at_once)
            positive = place == ones[part]
            weights = np.where(positive, balanced[ones[part]], 1.0) if len(seen) > 2 else balanced[place]
            costs = np.broadcast_to(c * weights * sample_weights, positive.shape)
            found.append(solve(rows, np.where(positive, 1.0, -1.0), costs, None if starts is None else starts[part]))
        solved = np.concatenate(found)
        weights = np.ascontiguousarray(solved[:, :-1] / scale)
        bias = solved[:, -1] - weights @ mean
    return Svm(weights, bias, mean, scale)


def _is_finite(svm: Svm) -> bool:
    return all(bool(np.isfinite(part).all()) for part in svm)


def out_of_fold(
    features: Columns,
    y: Classes,
    weights: Floats,
    folds: NDArray[np.int_],
    *,
    k: int,
    candidates: Sequence[float],
    near: Svm | None = None,
    scaled: int | None = None,
) -> dict[float, OutOfFold]:
    """For each C, each fold predicted by a model fitted on the others. Classes missing there are never predicted.

    Each fit begins at the solution of the nearest one before it: the same C without another fold, else a smaller C.
    near: where the first one begins. scaled: see `standardised`.
    """
    margins = {c: np.full((len(y), 1 if k == 2 else k), np.nan) for c in candidates}
    answers = {c: np.zeros(len(y), dtype=np.intp) for c in candidates}
    models: dict[float, list[FoldModel]] = {c: [] for c in candidates}
    solved: dict[float, Svm] = {}
    for fold in range(FOLDS):
        held = folds == fold
        seen = np.unique(y[~held])
        rows = standardised(features[~held], scaled) if len(seen) > 1 else None
        before = near
        for c in candidates:
            if rows is None:
                model = FoldModel(seen, np.empty((0, features.shape[1])), np.empty(0))
            else:
                before = solved[c] = _fit(rows, y[~held], c, weights[~held], solved.get(c, before))
                model = FoldModel(seen, before.weights, before.bias)
            models[c].append(model)
            margins[c][held], answers[c][held] = model.margins(features[held], k), model.answers(features[held])
    return {c: OutOfFold(margins[c], answers[c], tuple(models[c]), solved.get(c)) for c in candidates}


def _set_aside(examples: TrainingSet) -> dict[str, Any]:
    """The classes left out, the largest of them with their number of examples."""
    largest = sorted(examples.set_aside.items(), key=lambda item: (-item[1], item[0]))
    return {"set_aside": dict(largest[:SET_ASIDE_SHOWN]), "classes_set_aside": len(largest)}


def _on(rows: NDArray[np.bool_], right: NDArray[np.bool_]) -> dict[str, int]:
    """The number of these rows, and how many of them are right."""
    return {"examples": int(rows.sum()), "right": int(right[rows].sum())}


def _check_size(numbers: Floats, names: Sequence[str]) -> None:
    """Raises Refused where a feature can't be standardised in float64."""
    with np.errstate(over="ignore", invalid="ignore"):
        fits = np.isfinite(np.square(numbers - numbers.mean(axis=0)).sum(axis=0))
    if not fits.all():
        name = names[int(np.flatnonzero(~fits)[0])]
        raise Refused(f"feature {name!r} has values too large to compute with")


def _too_few(examples: TrainingSet, classes: tuple[str, ...]) -> str:
    aside = ", ".join(f"{label!r} has {n}" for label, n in _set_aside(examples)["set_aside"].items())
    if aside:
        return f"training needs two classes with at least two examples each; {aside}"
    if not classes:
        return "there are no examples to train on"
    return f"all {len(examples)} examples are of one class, {classes[0]!r}; training needs at least two"
