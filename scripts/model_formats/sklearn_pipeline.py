"""A model as a fitted scikit-learn pipeline, written by skops. The package is optional: the extra `skops`.

The columns are those of SimpleImputer and OneHotEncoder, which are fitted on a made-up table that has what training
saw; LinearSVC gets the weights. Other levels are scikit-learn's infrequent ones: one level that is seen once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from relearn.schemas.errors import Refused
from relearn.schemas.features import FeatureSchema, schema_fields
from relearn.schemas.model.encoder import CategoryPart, Encoder, TextPart, columns_of
from relearn.schemas.model.linear_svm import Floats, Model
from relearn.schemas.text import first_few
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

    Raises:
        Refused: a text may be missing, which scikit-learn's HashingVectorizer can't read.
    """
    gaps = [one.name for one in model.schema.features if one.kind == "text" and one.missing]
    if gaps:
        raise Refused(f"scikit-learn can't read a missing text, as {first_few(gaps)} may be: export the model as json")
    from sklearn.pipeline import Pipeline  # noqa: PLC0415 - takes a second
    from sklearn.svm import LinearSVC  # noqa: PLC0415

    svm, encoder = LinearSVC(), model.encoder
    svm.classes_, svm.intercept_ = np.array(model.classes), model.bias.copy()
    svm.coef_ = _coefficients(model)
    svm.n_features_in_ = svm.coef_.shape[1]
    columns = [] if encoder is None else [("columns", _fitted_columns(model.schema, encoder))]
    return Pipeline([*columns, ("svm", svm)])


def _coefficients(model: Model) -> Floats:
    """The weights in the order of scikit-learn's columns: of a text all buckets, 0 where training saw none of it."""
    encoder = model.encoder
    if encoder is None:
        return model.weights.copy()
    start = encoder.width - sum(map(columns_of, encoder.strings))
    blocks, words = [model.weights[:, :start]], []
    for part in encoder.strings:
        stop = start + columns_of(part)
        its = model.weights[:, start:stop]
        if isinstance(part, CategoryPart):
            # A category's levels, None, NaN, other levels.
            m = len(part.levels)
            blocks.append(its[:, [*range(m), m + 1, m + 1, m]])
        else:
            every = np.zeros((len(its), 1 << part.bits))
            every[:, part.places()] = its[:, :-1]
            words.append(every)
        start = stop
    return np.hstack([*blocks, *words])


def _fitted_columns(schema: FeatureSchema, encoder: Encoder) -> Any:
    from sklearn.compose import ColumnTransformer  # noqa: PLC0415 - takes a second
    from sklearn.impute import SimpleImputer  # noqa: PLC0415
    from sklearn.preprocessing import OneHotEncoder  # noqa: PLC0415

    unknown = _no_level(encoder)
    seen = [_seen(part.levels, unknown) for part in encoder.categories]
    texts = [schema.strings[j] for j in schema.texts]
    categories = [place for place in schema.strings if place not in texts]
    table: _Objects = np.full((max([2, *map(len, seen)]), len(schema)), None, dtype=object)
    for place, part in zip(schema.numbers, encoder.numbers, strict=True):
        table[:, place] = 0.0
        table[-1, place] = np.nan if part.indicator else 0.0
    for place, column in zip(categories, seen, strict=True):
        table[: len(column), place] = column
    table[:, texts] = ""
    steps: list[tuple[str, Any, Any]] = []
    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    if schema.numbers:
        steps.append(("numbers", imputer, list(schema.numbers)))
    if categories:
        levels = [np.array([*part.levels, unknown, None, np.nan], dtype=object) for part in encoder.categories]
        one_hot = OneHotEncoder(categories=levels, min_frequency=2, handle_unknown="infrequent_if_exist")
        steps.append(("categories", one_hot, categories))
    # A place, not a list of one: a text's transformer takes the column itself.
    steps += [(f"text {place}", _words(text), place) for place, text in zip(texts, encoder.texts, strict=True)]
    columns = ColumnTransformer(steps).fit(table)
    if schema.numbers:
        columns.named_transformers_["numbers"].statistics_ = np.array([part.imputed for part in encoder.numbers])
    for place, text in zip(texts, encoder.texts, strict=True):
        idf = np.full(1 << text.bits, np.log(1.0 + text.texts) + 1.0)
        idf[text.places()] = text.weights()
        columns.named_transformers_[f"text {place}"][-1].idf_ = idf
    return columns


def _words(part: TextPart) -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer  # noqa: PLC0415 - takes a second
    from sklearn.pipeline import Pipeline  # noqa: PLC0415

    counts = HashingVectorizer(ngram_range=(1, 2), alternate_sign=False, norm=None, n_features=1 << part.bits)
    return Pipeline([("words", counts), ("idf", TfidfTransformer())])


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
