"""The classifiers that can be imported: their classes, and their weights of columns."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from relearn.schemas.errors import BadMessage, Refused
from relearn.schemas.labels import read_label
from relearn.schemas.model.linear_svm import Floats
from relearn.schemas.text import first_few
from relearn.scripts.model_import.estimators import (
    attribute,
    check_methods,
    kind_of,
    number_array,
    numbers,
    objects,
    width_of,
)

CLASSIFIERS = ("LinearSVC", "LogisticRegression", "RidgeClassifier", "SGDClassifier")
#: Maximum number of classes: a model has a confusion matrix of them.
CLASSES_MAX = 500


class Linear(NamedTuple):
    """weights: (rows, columns), bias: (rows,)."""

    classes: tuple[str, ...]
    weights: Floats
    bias: Floats
    calibration: dict[str, Any] | None


def linear(classifier: Any, width: int) -> Linear:
    """The weights of a fitted classifier.

    Raises:
        Refused: they can't be those of a classifier of `width` columns, or its labels can't be ours.
    """
    check_methods(classifier)
    kind = kind_of(classifier)
    if width_of(classifier) != width:
        raise Refused(f"{kind} was fitted on {width_of(classifier)} columns, and gets {width}")
    classes = _classes(classifier)
    rows = 1 if len(classes) == 2 else len(classes)
    bias = attribute(classifier, "intercept_")
    if isinstance(bias, float | int) or (type(bias) is np.ndarray and bias.ndim == 0):
        vars(classifier)["intercept_"] = np.full(rows, float(bias))  # fit_intercept=False
    weights = numbers(classifier, "coef_", _shape(classifier, rows, width))
    sigmoid = (
        kind == "LogisticRegression" and rows == 1 and attribute(classifier, "multi_class", "auto") != "multinomial"
    )
    # scikit-learn's own probability of two classes is Platt's sigmoid with these numbers.
    calibration = {"a": [-1.0], "b": [0.0]} if sigmoid and rows == 1 else None
    return Linear(classes, weights.reshape(rows, width), numbers(classifier, "intercept_", (rows,)), calibration)


def _shape(classifier: Any, rows: int, width: int) -> tuple[int, ...]:
    """RidgeClassifier's weights of two classes may have one dimension."""
    found = number_array(attribute(classifier, "coef_"), f"{kind_of(classifier)}.coef_")
    return (width,) if rows == 1 and found.ndim == 1 else (rows, width)


def _classes(classifier: Any) -> tuple[str, ...]:
    kind = kind_of(classifier)
    binarizer = attribute(classifier, "_label_binarizer", None)
    holder = classifier if "classes_" in vars(classifier) or binarizer is None else binarizer
    given = objects(attribute(holder, "classes_"), f"{kind}.classes_")
    if not 2 <= len(given) <= CLASSES_MAX:
        raise Refused(f"{kind} has {len(given):,} classes; 2 to {CLASSES_MAX} can be imported")
    if binarizer is not None and attribute(binarizer, "y_type_", "binary") not in ("binary", "multiclass"):
        raise Refused(f"{kind} answers several labels at once")
    labels = []
    for one in given:
        try:
            labels.append(read_label(str(one) if isinstance(one, bool) else one))
        except BadMessage as exc:
            raise Refused(f"{kind} has the class {str(one)[:40]!r}: {exc.detail}") from exc
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise Refused(f"{kind} has two classes with the label {first_few(twice, show=repr)}")
    return tuple(labels)
