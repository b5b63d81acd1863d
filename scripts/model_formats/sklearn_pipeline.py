"""A model as a fitted scikit-learn pipeline, written by skops. The package is optional: the extra `skops`.

The columns are those of SimpleImputer and OneHotEncoder, which are fitted on a made-up table that has what training
saw; LinearSVC gets the weights. Other levels are scikit-learn's infrequent ones: one level that is seen once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from relearn.schemas.features import FeatureSchema, schema_fields
from relearn.schemas.model.encoder import Encoder, columns_of
from relearn.schemas.model.linear_svm import Model
from relearn.scripts.extras import import_extra

#: What `skops.io.load` needs as `trusted`. For a model of numbers alone nothing.
TRUSTED = ("numpy.dtype",)
_Objects = NDArray[np.object_]


def require_skops() -> Any:
    """The module `skops.io`.

    Raises:
        SetupError: it isn't installed; the message has the command that installs it.
    """
    return import_extra("skops.io", "skops", "the format skops needs the package skops")


def skops_model(model: Model, sha256: bytes) -> bytes:
    """The pipeline, for `skops.io.load`. `sha256`: of the model's stored body.

    Loading trusts no type beside those that skops trusts by itself, and TRUSTED: a SimpleImputer keeps a dtype.

    Raises:
        SetupError: skops isn't installed.
    """
    skops, pipeline = require_skops(), sklearn_pipeline(model)
    pipeline.relearn_ = {"version": model.version, "sha256": sha256.hex(), "features": schema_fields(model.schema)}
    return bytes(skops.dumps(pipeline))


def sklearn_pipeline(model: Model) -> Any:
    """A Pipeline on (n, d) values in the order of the schema; None or NaN where one is missing.

    Its decision_function has shape (n,) for two classes, as scikit-learn's always has.
    """
    from sklearn.pipeline import Pipeline  # noqa: PLC0415 - takes a second
    from sklearn.svm import LinearSVC  # noqa: PLC0415

    svm, encoder = LinearSVC(), model.encoder
    svm.classes_, svm.intercept_ = np.array(model.classes), model.bias.copy()
    svm.coef_ = model.weights.copy() if encoder is None else model.weights[:, _order(encoder)]
    svm.n_features_in_ = svm.coef_.shape[1]
    columns = [] if encoder is None else [("columns", _fitted_columns(model.schema, encoder))]
    return Pipeline([*columns, ("svm", svm)])


def _order(encoder: Encoder) -> list[int]:
    """The column of ours that each column of scikit-learn's is: a category's levels, None, NaN, other levels."""
    start = encoder.width - sum(map(columns_of, encoder.categories))
    order = list(range(start))
    for part in encoder.categories:
        other = start + len(part.levels)
        order += [*range(start, other), other + 1, other + 1, other]
        start += columns_of(part)
    return order


def _fitted_columns(schema: FeatureSchema, encoder: Encoder) -> Any:
    from sklearn.compose import ColumnTransformer  # noqa: PLC0415 - takes a second
    from sklearn.impute import SimpleImputer  # noqa: PLC0415
    from sklearn.preprocessing import OneHotEncoder  # noqa: PLC0415

    unknown = _no_level(encoder)
    seen = [_seen(part.levels, unknown) for part in encoder.categories]
    table: _Objects = np.full((max([2, *map(len, seen)]), len(schema)), None, dtype=object)
    for place, part in zip(schema.numbers, encoder.numbers, strict=True):
        table[:, place] = 0.0
        table[-1, place] = np.nan if part.indicator else 0.0
    for place, column in zip(schema.categories, seen, strict=True):
        table[: len(column), place] = column
    steps: list[tuple[str, Any, list[int]]] = []
    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    if schema.numbers:
        steps.append(("numbers", imputer, list(schema.numbers)))
    if schema.categories:
        levels = [np.array([*part.levels, unknown, None, np.nan], dtype=object) for part in encoder.categories]
        one_hot = OneHotEncoder(categories=levels, min_frequency=2, handle_unknown="infrequent_if_exist")
        steps.append(("categories", one_hot, list(schema.categories)))
    columns = ColumnTransformer(steps).fit(table)
    if schema.numbers:
        columns.named_transformers_["numbers"].statistics_ = np.array([part.imputed for part in encoder.numbers])
    return columns


def _seen(levels: tuple[str, ...], unknown: str) -> list[Any]:
    """A column in which each level is seen twice, as is each way of writing that it is missing; `unknown` once."""
    return [*levels, *levels, unknown, None, None, np.nan, np.nan]


def _no_level(encoder: Encoder) -> str:
    """A text that is no level."""
    levels = {level for part in encoder.categories for level in part.levels}
    text = "other"
    while text in levels:
        text += "_"
    return text
