"""Fitting a linear SVM, one class against the rest, evaluated out of fold. scikit-learn: training process only."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from relearn.agents.learning.calibration import calibrate
from relearn.agents.learning.fitted_model import Classes, Fitted, FoldModel
from relearn.agents.learning.metrics import classification_metrics
from relearn.agents.learning.training_set import FOLDS, TrainingSet, folds_of
from relearn.schemas.errors import Refused
from relearn.schemas.model.linear_svm import Floats

#: Minimum number of labelled examples for choosing C by folds; with fewer, C is C_FEW.
CHOOSE_FROM = 60
C_FEW = 0.1
C_CHOICE = (0.01, 0.1, 1.0)
_MAX_ITER = 10_000


class Svm(NamedTuple):
    """Margins are `features @ weights.T + bias` on raw features. weights: (rows, d), bias: (rows,), the rest (d,)."""

    weights: Floats
    bias: Floats
    mean: Floats
    scale: Floats


class OutOfFold(NamedTuple):
    """Each row predicted by a model not fitted on it. margins: (n, 1 or k). `models`: one per fold, without it."""

    margins: Floats
    answers: Classes
    models: tuple[FoldModel, ...]


def fit(examples: TrainingSet) -> Fitted:
    """The model of `examples`, and the models without each fold.

    The same set gives the same numbers, bit for bit. Only labelled examples choose C, calibrate and count in metrics.

    Raises:
        Refused: no model can be fitted; the message has the reason.
    """
    classes = tuple(sorted(set(examples.labels)))
    if len(classes) < 2:
        raise Refused(_too_few(examples, classes))
    _check_size(examples)
    k = len(classes)
    y = np.searchsorted(np.array(classes, dtype=object), np.array(examples.labels, dtype=object))
    folds, real, weights = folds_of(examples.keys), examples.real, examples.weights
    candidates = C_CHOICE if real.sum() >= CHOOSE_FROM else (C_FEW,)
    outs = {c: out_of_fold(examples.features, y, weights, folds, k=k, c=c) for c in candidates}
    # The smallest of equals: it depends least on single examples.
    c = max(candidates, key=lambda one: (int((outs[one].answers == y)[real].sum()), -one))
    svm = fit_svm(examples.features, y, c, weights)
    if not all(np.isfinite(part).all() for part in svm):
        raise Refused("the features' values are so large or so close together that no model can be computed")
    metrics = {
        **classification_metrics(y[real], outs[c].answers[real], classes),
        "c": c,
        "set_aside": dict(examples.set_aside),
        "assumed": int((~real).sum()),
        # The same records for every model, whatever other examples each is trained on.
        "bootstrap": _on(examples.of("bootstrap"), outs[c].answers == y),
    }
    calibration = calibrate(outs[c].margins[real], y[real], k)
    return Fitted(classes, *svm, calibration, metrics, outs[c].models)


def fit_svm(features: Floats, y: Classes, c: float, sample_weights: Floats | None = None) -> Svm:
    """LinearSVC on standardised features, the scaler folded into its weights; a constant feature has scale 1.

    features: (n, d). y: (n,), at least two different values; `y` of two values gives one row of weights.
    sample_weights: (n,), the weight of each row's loss; None: all 1.
    """
    with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        # A model that has not quite converged is evaluated out of fold like any other.
        warnings.simplefilter("ignore", ConvergenceWarning)
        mean, scale = standardisation(features)
        svm = linear_svc(c).fit((features - mean) / scale, y, sample_weight=sample_weights)
        weights = np.ascontiguousarray(svm.coef_ / scale, dtype=np.float64)
        bias = np.asarray(svm.intercept_ - weights @ mean, dtype=np.float64)
    return Svm(weights, bias, mean, scale)


def standardisation(features: Floats) -> tuple[Floats, Floats]:
    """Mean and scale of each column, (d,) each, as StandardScaler computes them; |x - mean| / scale is at most √n + 1.

    StandardScaler treats a column that varies within its rounding error as constant and leaves it unscaled. For values
    around 1e100 that error is 1e84, and liblinear would not terminate, so such columns are scaled here.
    """
    scaler = StandardScaler().fit(features)
    constant = features.max(axis=0) == features.min(axis=0)
    mean = np.where(constant, features[0], scaler.mean_).astype(np.float64)
    scale = np.where(constant, 1.0, scaler.scale_).astype(np.float64)
    wild = np.abs((features - mean) / scale).max(axis=0) > np.sqrt(len(features)) + 1.0
    scale[wild] = features[:, wild].std(axis=0)
    return mean, scale


def linear_svc(c: float) -> LinearSVC:
    """The estimator. The primal solver uses no random order; the seed is set in case that changes."""
    return LinearSVC(C=c, class_weight="balanced", dual=False, random_state=0, max_iter=_MAX_ITER)


def out_of_fold(
    features: Floats, y: Classes, weights: Floats, folds: NDArray[np.int_], *, k: int, c: float
) -> OutOfFold:
    """Each fold predicted by a model fitted on the others. Classes missing in the others are never predicted."""
    margins = np.full((len(y), 1 if k == 2 else k), np.nan)
    answers = np.zeros(len(y), dtype=np.intp)
    models = []
    for fold in range(FOLDS):
        held = folds == fold
        models.append(_without_fold(features[~held], y[~held], c, weights[~held]))
        margins[held], answers[held] = models[-1].margins(features[held], k), models[-1].answers(features[held])
    return OutOfFold(margins, answers, tuple(models))


def _on(rows: NDArray[np.bool_], right: NDArray[np.bool_]) -> dict[str, int]:
    """The number of these rows, and how many of them are right."""
    return {"examples": int(rows.sum()), "right": int(right[rows].sum())}


def _without_fold(features: Floats, y: Classes, c: float, weights: Floats) -> FoldModel:
    seen = np.unique(y)
    if len(seen) < 2:
        return FoldModel(seen, np.empty((0, features.shape[1])), np.empty(0))
    svm = fit_svm(features, y, c, weights)
    return FoldModel(seen, svm.weights, svm.bias)


def _check_size(examples: TrainingSet) -> None:
    """Raises Refused where a feature can't be standardised in float64."""
    with np.errstate(over="ignore", invalid="ignore"):
        fits = np.isfinite(np.square(examples.features - examples.features.mean(axis=0)).sum(axis=0))
    if not fits.all():
        name = examples.feature_names[int(np.flatnonzero(~fits)[0])]
        raise Refused(f"feature {name!r} has values too large to compute with")


def _too_few(examples: TrainingSet, classes: tuple[str, ...]) -> str:
    aside = ", ".join(f"{label!r} has {n}" for label, n in examples.set_aside.items())
    if aside:
        return f"training needs two classes with at least two examples each; {aside}"
    if not classes:
        return "there are no examples to train on"
    return f"all {len(examples)} examples are of one class, {classes[0]!r}; training needs at least two"
