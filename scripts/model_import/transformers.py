"""The steps of a scikit-learn pipeline, applied to columns as functions: what each column is after a step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from relearn.schemas.errors import Refused
from relearn.scripts.model_import.columns import (
    Budget,
    Column,
    Gap,
    Hot,
    Number,
    Raw,
    Special,
    Text,
    scaled,
)
from relearn.scripts.model_import.estimators import (
    attribute,
    check_methods,
    is_nan,
    kind_of,
    names_of,
    number_array,
    numbers,
    objects,
    pairs,
    places,
    width_of,
)
from relearn.scripts.model_import.one_hot import one_hot

#: Maximum nesting of pipelines and column transformers.
DEEPEST = 8


class Walk(NamedTuple):
    """Where a walk through the steps is: its budget, and the nesting."""

    budget: Budget
    depth: int = 0

    def deeper(self) -> Walk:
        """The walk inside of a step.

        Raises:
            Refused: steps are nested too deep.
        """
        if self.depth >= DEEPEST:
            raise Refused("pipelines are nested too deep")
        return Walk(self.budget, self.depth + 1)


def transformed(step: Any, columns: Sequence[Column], walk: Walk) -> list[Column]:
    """The columns after a fitted step.

    Raises:
        Refused: they can't be what a model of ours has, or the step was fitted on another number of columns.
    """
    if step is None or step == "passthrough":
        return walk.budget.take(columns)
    kind = kind_of(step)
    apply = _STEPS.get(kind)
    if apply is None:
        raise Refused(f"{kind} can't be imported as a step before the classifier")
    check_methods(step)
    if kind != "Pipeline" and width_of(step) != len(columns):
        raise Refused(f"{kind} was fitted on {width_of(step)} columns, and gets {len(columns)}")
    return walk.budget.take(apply(step, columns, walk.deeper()))


def _pipeline(step: Any, columns: Sequence[Column], walk: Walk) -> list[Column]:
    found = list(columns)
    for _, inner in pairs(attribute(step, "steps"), "Pipeline.steps", 2):
        found = transformed(inner, found, walk)
    return found


def _identity(step: Any, columns: Sequence[Column], walk: Walk) -> list[Column]:
    """ColumnTransformer's "passthrough" is a FunctionTransformer without a function."""
    if attribute(step, "func") is not None:
        raise Refused("FunctionTransformer has a function, which can't be imported")
    return walk.budget.take(columns)


def _column_transformer(step: Any, columns: Sequence[Column], walk: Walk) -> list[Column]:
    names = names_of(step)
    weights = attribute(step, "transformer_weights", None)
    if weights is not None and not isinstance(weights, dict):
        raise Refused("ColumnTransformer.transformer_weights should be a map")
    found: list[Column] = []
    for name, inner, chosen in pairs(attribute(step, "transformers_"), "ColumnTransformer.transformers_", 3):
        picked = [columns[place] for place in _chosen(chosen, names, len(columns))]
        if inner == "drop" or not picked:
            continue
        made = transformed(inner, picked, walk)
        weight = (weights or {}).get(name)
        if weight is not None:
            made = [scaled(one, 0.0, 1.0 / _finite(weight, "a transformer weight"), kind_of(step)) for one in made]
        found += walk.budget.take(made)
    return found


def _chosen(given: Any, names: Sequence[str] | None, width: int) -> list[int]:
    """The places of the columns that a ColumnTransformer gives to one step."""
    if isinstance(given, slice):
        ends = [_place(one, names) if isinstance(one, str) else one for one in (given.start, given.stop)]
        if isinstance(given.stop, str) and ends[1] is not None:
            ends[1] += 1  # by name the end is included
        return list(range(width))[slice(ends[0], ends[1], given.step)]
    several = isinstance(given, list | tuple | np.ndarray)
    items = objects(given, "the columns of a step") if several else [given]
    if items and all(type(one) is bool for one in items):
        if len(items) != width:
            raise Refused("a mask of columns has another length than there are columns")
        return [place for place, one in enumerate(items) if one]
    return [_place(one, names) if isinstance(one, str) else _index(one, width) for one in items]


def _place(name: str, names: Sequence[str] | None) -> int:
    if names is None or name not in names:
        raise Refused(f"ColumnTransformer takes the column {name[:60]!r}, which isn't there")
    return names.index(name)


def _index(one: Any, width: int) -> int:
    if type(one) is not int or not -width <= one < width:
        raise Refused(f"ColumnTransformer takes the column {str(one)[:60]}, which isn't there")
    return one % width


def _scaler(step: Any, columns: Sequence[Column], walk: Walk) -> list[Column]:
    d = len(columns)
    mean = numbers(step, "mean_", (d,)) if attribute(step, "with_mean") else np.zeros(d)
    scale = numbers(step, "scale_", (d,)) if attribute(step, "with_std") else np.ones(d)
    if not (scale != 0).all():
        raise Refused("StandardScaler.scale_ has a zero")
    parts = zip(columns, mean.tolist(), scale.tolist(), strict=True)
    return walk.budget.take([scaled(column, m, s, kind_of(step)) for column, m, s in parts])


def _imputer(step: Any, columns: Sequence[Column], walk: Walk) -> list[Column]:
    marks = attribute(step, "missing_values")
    if not (marks is None or is_nan(marks)):
        raise Refused(f"SimpleImputer takes {str(marks)[:40]!r} as missing; only NaN and None can be imported")
    form = Special.NONE if marks is None else Special.NAN
    found: list[Column] = []
    for column, value in zip(columns, _statistics(step, len(columns)), strict=True):
        if is_nan(value):
            if attribute(step, "keep_empty_features", False):
                raise Refused("SimpleImputer keeps a column that was empty in training, which can't be imported")
            continue  # scikit-learn leaves out a column that was empty
        found.append(_imputed(column, value, form))
    if attribute(step, "add_indicator", False):
        indicator = attribute(step, "indicator_")
        check_methods(indicator)
        chosen = places(attribute(indicator, "features_"), "MissingIndicator.features_", len(columns))
        found += [_gap(columns[place], form) for place in chosen]
    return walk.budget.take(found)


def _statistics(step: Any, width: int) -> list[Any]:
    given = attribute(step, "statistics_")
    if type(given) is np.ndarray and given.dtype.kind in "fiu":
        given = number_array(given, "SimpleImputer.statistics_")
    found = objects(given, "SimpleImputer.statistics_")
    if len(found) != width:
        raise Refused(f"SimpleImputer.statistics_ has {len(found)} values for {width} columns")
    return found


def _imputed(column: Column, value: Any, form: Special) -> Column:
    if isinstance(value, str) and isinstance(column, Raw | Text):
        text = Text(column.feature) if isinstance(column, Raw) else column
        before = text.none if form is Special.NONE else text.nan
        filled = value if before is None else before
        return text._replace(none=filled) if form is Special.NONE else text._replace(nan=filled)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Refused(f"SimpleImputer puts {str(value)[:40]!r} where a value is missing, which doesn't fit its column")
    if isinstance(column, Text):
        raise Refused(f"SimpleImputer puts the number {value:g} where a category is missing")
    if form is Special.NONE:
        raise Refused("SimpleImputer puts a number where a value is None; numbers that are missing are NaN")
    number = Number(column.feature) if isinstance(column, Raw) else column
    if not isinstance(number, Number) or number.imputed is not None:
        return number  # nothing is missing there any more
    if number.slope == 0.0:
        raise Refused("SimpleImputer gets a column that a scaler has made constant")
    return number._replace(imputed=(float(value) - number.offset) / number.slope)


def _gap(column: Column, form: Special) -> Column:
    """An imputer's indicator of a column: never 1 where nothing can be missing any more."""
    if isinstance(column, Number) and column.imputed is not None:
        return Gap(column.feature, frozenset())
    if isinstance(column, Text):
        filled = column.none if form is Special.NONE else column.nan
        return Gap(column.feature, frozenset() if filled is not None else frozenset((form,)))
    if isinstance(column, Gap | Hot):
        return Gap(column.feature, frozenset())
    return Gap(column.feature, frozenset((form,)))


_STEPS: dict[str, Callable[[Any, Sequence[Column], Walk], list[Column]]] = {
    "Pipeline": _pipeline,
    "ColumnTransformer": _column_transformer,
    "FunctionTransformer": _identity,
    "StandardScaler": _scaler,
    "SimpleImputer": _imputer,
    "OneHotEncoder": lambda step, columns, walk: one_hot(step, columns, walk.budget),
}


def _finite(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value == 0:
        raise Refused(f"{name} should be a number other than 0")
    return float(value)
