"""A fitted scikit-learn classifier, alone or at the end of a pipeline → a model of ours.

The weights of columns are added up per feature: a feature that several columns are made of has one weight here, a
category one per level. Margins equal scikit-learn's decision_function within the contract's tolerance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from relearn.schemas.errors import BadModel, Refused
from relearn.schemas.features import Feature, FeatureSchema
from relearn.schemas.model.encoder import LEVELS_MAX, CategoryPart, Encoder, NumberPart, Part
from relearn.schemas.model.linear_svm import Floats, Model
from relearn.schemas.text import first_few, text_fault
from relearn.scripts.model_import.classifier import CLASSIFIERS, Linear, linear
from relearn.scripts.model_import.columns import MISSING, Budget, Column, Gap, Hot, Level, Number, Raw, Special
from relearn.scripts.model_import.estimators import attribute, check_methods, description, kind_of, pairs
from relearn.scripts.model_import.features import (
    GivenFeatures,
    feature_names,
    feature_width,
    first_step,
    matched,
)
from relearn.scripts.model_import.transformers import Walk, transformed


class Converted(NamedTuple):
    """A model of version 0, whose features are in the order of the namespace's; `estimator`: what it was."""

    model: Model
    estimator: str
    notes: tuple[str, ...]


def convert(content: object, schema: FeatureSchema | None) -> Converted:
    """The model of a fitted classifier, or of a pipeline that ends in one.

    schema: of the namespace; None: it has none, and gets that of the file.

    Raises:
        Refused: it isn't such a classifier, can't be expressed exactly, or has other features than the namespace.
    """
    steps = [content]
    if kind_of(content) == "Pipeline":
        check_methods(content)
        steps = [step for _, step in pairs(attribute(content, "steps"), "Pipeline.steps", 2)]
    if not steps or kind_of(steps[-1]) not in CLASSIFIERS:
        what = "an empty pipeline" if not steps else f"a {kind_of(steps[-1])}"
        raise Refused(f"it is {what}: a classifier, {', '.join(CLASSIFIERS)}, has to be alone or the last step")
    *before, classifier = steps
    first = first_step(content)
    width = feature_width(first)
    columns: list[Column] = [Raw(place) for place in range(width)]
    walk = Walk(Budget())
    for step in before:
        columns = transformed(step, columns, walk)
    weights = linear(classifier, len(columns))
    columns = [Number(one.feature) if isinstance(one, Raw) else one for one in columns]
    given = GivenFeatures(feature_names(content, first), width, columns)
    target = schema if schema is not None else given.own_schema()
    return Converted(_assembled(given, target, weights), description(content), _notes(given, target, schema))


def _assembled(given: GivenFeatures, schema: FeatureSchema, linear: Linear) -> Model:
    """The model with its columns in our order: numbers, their indicators, each category's levels, other, missing."""
    if schema.texts:
        names = [schema.names[schema.strings[j]] for j in schema.texts]
        raise Refused(f"the namespace has texts, {first_few(names, show=repr)}: no model of texts can be imported yet")
    places = matched(given, schema)
    parts: dict[int, _Part] = {}
    for i, feature in enumerate(schema.features):
        kind = given.kind(places[i])
        if kind is not None and kind != feature.kind:
            raise Refused(
                f"the feature {feature.name[:60]!r} is a {feature.kind} in the namespace, a {kind} in the file"
            )
        of = given.of(places[i])
        parts[i] = _number(of, feature, linear) if feature.kind == "number" else _category(of, feature, linear)
    numbers_first = [parts[i] for i in schema.numbers]
    bias = linear.bias + sum((one.constant for one in parts.values()), np.zeros(len(linear.bias)))
    values = [one.own[:, 0] for one in numbers_first]
    values += [one.own[:, 1] for one in numbers_first if one.own.shape[1] == 2]
    values += [column for i in schema.strings for column in parts[i].own.T]
    encoder = None if schema.plain else Encoder(tuple(parts[i].part for i in range(len(schema))))
    if schema.plain:
        values = values[: len(schema)]
    weights = np.ascontiguousarray(np.array(values).T)
    mean, scale = np.zeros(len(values)), np.ones(len(values))
    mean[: len(numbers_first)] = [one.mean for one in numbers_first]
    scale[: len(numbers_first)] = [one.scale for one in numbers_first]
    try:
        return Model(0, linear.classes, schema.names, weights, bias, mean, scale, linear.calibration, {}, encoder)
    except (BadModel, ValueError) as exc:
        raise Refused(f"no model of ours can have these numbers: {exc}") from exc


def _notes(given: GivenFeatures, schema: FeatureSchema, before: FeatureSchema | None) -> tuple[str, ...]:
    notes = []
    if given.names is None:
        notes.append("the file has no feature names: its features are taken in the order of the namespace's")
    unused = [name for i, name in enumerate(given.names or ()) if not given.of(i)]
    if unused:
        notes.append(f"the file doesn't use {first_few(unused, show=repr)}")
    if before is None:
        notes.append(f"the namespace had no features; it gets those of the file: {first_few(schema.names)}")
    return tuple(notes)


class _Part(NamedTuple):
    """A feature's part of the model. own: (rows, columns of ours): a number's weight and its indicator's, if any.

    constant: (rows,), to be added to the bias. mean, scale: of a number, as information.
    """

    part: Part
    own: Floats
    constant: Floats
    mean: float = 0.0
    scale: float = 1.0


def _number(of: Sequence[tuple[int, Column]], feature: Feature, linear: Linear) -> _Part:
    rows = len(linear.bias)
    weight, gap, constant = np.zeros(rows), np.zeros(rows), np.zeros(rows)
    imputed = [one.imputed for _, one in of if isinstance(one, Number)]
    if feature.missing and None in imputed:
        raise Refused(
            f"the feature {feature.name[:60]!r} may be missing in the namespace; the file has no SimpleImputer for it"
        )
    value = next((one for one in imputed if one is not None), 0.0)
    mean, scale = value, 1.0
    with np.errstate(all="ignore"):
        for place, column in of:
            w = linear.weights[:, place]
            if isinstance(column, Number):
                weight += w * column.slope
                constant += w * column.offset
                if column.imputed is not None and column.imputed != value:
                    gap += w * (column.slope * (column.imputed - value))
                if column.offset != 0.0 or column.slope != 1.0:
                    mean, scale = -column.offset / column.slope, 1.0 / column.slope
            elif isinstance(column, Gap):
                constant += w * column.offset
                if column.forms:
                    gap += w * column.slope
    indicates = feature.missing and bool(gap.any())
    own = np.stack([weight, gap], axis=1) if indicates else weight[:, None]
    mean, scale = (mean, scale) if np.isfinite([mean, scale]).all() and scale > 0 else (0.0, 1.0)
    return _Part(NumberPart(feature.missing, value, indicates), own, constant, mean, scale)


def _category(of: Sequence[tuple[int, Column]], feature: Feature, linear: Linear) -> _Part:
    levels = _levels([column for _, column in of if isinstance(column, Hot)], feature.name)
    form = _form(of, linear, feature.name)
    values: list[Level] = [*levels, Special.OTHER, form]
    own, constant = np.zeros((len(linear.bias), len(values))), np.zeros(len(linear.bias))
    with np.errstate(all="ignore"):
        for place, column in of:
            w = linear.weights[:, place]
            if isinstance(column, Hot | Gap):
                constant += w * column.offset
                here = [_has(column, value) for value in values]
                own[:, here] += (w * column.slope)[:, None]
    return _Part(CategoryPart(feature.missing, levels), own, constant)


def _has(column: Hot | Gap, value: Level) -> bool:
    return column.has(value) if isinstance(column, Hot) else value in column.forms


def _levels(columns: Sequence[Hot], name: str) -> tuple[str, ...]:
    """The levels that need a column: without infrequent ones that any new level joins, and what no record can have."""
    joined: set[Level] = set()
    apart: set[Level] = set()
    for column in columns:
        if Special.OTHER in column.levels:
            joined |= column.levels
            apart |= column.known - column.levels
        else:
            apart |= column.levels
    # In the order of the columns; those that were dropped at the end.
    ordered = [level for column in columns for level in _sorted(column.levels)]
    ordered += [level for known in dict.fromkeys(one.known for one in columns) for level in _sorted(known)]
    other = joined - apart
    levels = [level for level in dict.fromkeys(ordered) if level not in other and text_fault(level) is None]
    if len(levels) > LEVELS_MAX:
        raise Refused(
            f"the feature {name[:60]!r} has {len(levels):,} levels; {LEVELS_MAX} are possible: OneHotEncoder's"
            " max_categories or min_frequency leaves fewer"
        )
    return tuple(levels)


def _sorted(levels: frozenset[Level]) -> list[str]:
    return sorted(level for level in levels if isinstance(level, str))


def _form(of: Sequence[tuple[int, Column]], linear: Linear, name: str) -> Special:
    """The form of a missing value that the file knows: NaN or None. Of both the weights have to be the same.

    A form is known where an imputer fills it, where the encoder has seen it, or where an indicator shows it.
    """
    sums = {form: np.zeros(len(linear.bias)) for form in MISSING}
    known: set[Special] = set()
    with np.errstate(all="ignore"):
        for place, column in of:
            if not isinstance(column, Hot | Gap):
                continue
            known |= {form for form in MISSING if form in (column.known if isinstance(column, Hot) else column.forms)}
            for form in MISSING:
                if _has(column, form):
                    sums[form] += linear.weights[:, place] * column.slope
    if len(known) == 2 and not (sums[Special.NONE] == sums[Special.NAN]).all():
        raise Refused(f"the feature {name[:60]!r} has different weights for None and NaN; here both are missing")
    return Special.NONE if known == {Special.NONE} else Special.NAN
