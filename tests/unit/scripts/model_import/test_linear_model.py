"""A scikit-learn pipeline as a model of ours: the same margins, by the contract's tolerance."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from hypothesis import HealthCheck, given, settings
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from relearn.agents.learning.predict import confidence, predict
from relearn.schemas.errors import Refused
from relearn.schemas.features import Feature, FeatureSchema, numbers_alone
from relearn.scripts.model_formats.sklearn_pipeline import skops_model
from relearn.scripts.model_import import columns as columns_module
from relearn.scripts.model_import.linear_model import Converted, convert
from relearn.scripts.model_import.skops_file import read_skops
from tests.support.data.mixed import row
from tests.support.data.mixed_models import Scored, scored
from tests.support.data.pipelines import Fitted, fitted

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = np.where(X[:, 0] - X[:, 2] > 0, "yes", "no")
NAMES = ("height", "weight", "age")
COLOUR = FeatureSchema((Feature("colour", "category", True),))


def imported(path: Path, pipeline: Any, schema: FeatureSchema | None) -> Converted:
    """The pipeline by way of a file."""
    file = path / "model.skops"
    file.write_bytes(skops.io.dumps(pipeline))
    return convert(read_skops(file).content, schema)


def named(pipeline: Any, names: tuple[str, ...] = NAMES) -> Any:
    """A fitted pipeline as one that was fitted on a data frame."""
    first = pipeline[0] if isinstance(pipeline, Pipeline) else pipeline
    first.feature_names_in_ = np.array(names, dtype=object)
    return pipeline


def colours(encoder: OneHotEncoder, values: list[Any]) -> Any:
    """A pipeline of one category."""
    table = np.array(values, dtype=object).reshape(-1, 1)
    return make_pipeline(encoder, LinearSVC()).fit(table, np.arange(len(values)) % 2)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fitted())
def test_any_pipeline_gives_the_margins_of_scikit_learn(tmp_path: Path, given_: Fitted) -> None:
    model = imported(tmp_path, given_.pipeline, given_.schema).model
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of unknown levels
        margins = np.asarray(given_.pipeline.decision_function(given_.table()))
        labels = given_.pipeline.predict(given_.table())
    spelled = dict(zip(given_.pipeline.classes_.tolist(), model.classes, strict=True))
    Scored(model, given_.records).check(
        margins.reshape(len(given_.records), -1), [spelled[one] for one in labels.tolist()]
    )


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scored())
def test_an_exported_model_comes_back_with_its_numbers(tmp_path: Path, given_: Scored) -> None:
    """Bit for bit, with the same levels; an indicator that changes no margin has no column any more."""
    path = tmp_path / "model.skops"
    path.write_bytes(skops_model(given_.model, bytes(32)))
    found = convert(read_skops(path).content, given_.model.schema).model
    assert found.schema == given_.model.schema
    assert found.weights.tolist() == given_.model.weights.tolist()
    assert found.bias.tolist() == given_.model.bias.tolist()
    assert found.encoder == given_.model.encoder
    labels, margins = predict(found, given_.rows)
    given_.check(margins, [found.classes[i] for i in labels])


def test_features_are_matched_by_name_and_reordered(tmp_path: Path) -> None:
    fit = make_pipeline(StandardScaler(), LinearSVC()).fit(X, Y)
    expected = fit.decision_function(X)
    schema = numbers_alone(("age", "height", "weight"))
    found = imported(tmp_path, named(fit), schema)
    assert found.model.feature_names == schema.names
    assert np.abs(predict(found.model, X[:, [2, 0, 1]])[1][:, 0] - expected).max() < 1e-9
    assert found.estimator == "Pipeline(StandardScaler, LinearSVC)"
    assert found.notes == ()


def test_without_names_features_are_taken_by_position_and_this_is_noted(tmp_path: Path) -> None:
    found = imported(tmp_path, LinearSVC().fit(X, Y), numbers_alone(NAMES))
    assert found.model.feature_names == NAMES
    assert found.notes == ("the file has no feature names: its features are taken in the order of the namespace's",)


def test_a_namespace_without_features_gets_those_that_the_file_uses(tmp_path: Path) -> None:
    table = np.empty((40, 3), dtype=object)
    table[:, 0], table[:, 1], table[:, 2] = X[:, 0], ["red", "blue"] * 20, X[:, 1]
    columns = make_column_transformer((SimpleImputer(), [0]), (OneHotEncoder(handle_unknown="ignore"), [1]))
    pipeline = named(make_pipeline(columns, LinearSVC()).fit(table, Y), ("size", "colour", "unused"))
    found = imported(tmp_path, pipeline, None)
    assert found.model.schema.features == (Feature("size", "number", True), Feature("colour", "category", True))
    assert found.notes == (
        "the file doesn't use 'unused'",
        "the namespace had no features; it gets those of the file: size, colour",
    )
    with pytest.raises(Refused, match="has no features yet, and the file has no feature names"):
        imported(tmp_path, LinearSVC().fit(X, Y), None)


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (
            ("height", "weight", "size"),
            "the file has 'size', which the namespace hasn't; the namespace has 'age', which",
        ),
        (None, "the file takes 3 features without names, the namespace has 4"),
    ],
)
def test_other_features_are_named(tmp_path: Path, names: tuple[str, ...] | None, why: str) -> None:
    model = LinearSVC().fit(X, Y)
    schema = numbers_alone(NAMES if names else ("a", "b", "c", "d"))
    with pytest.raises(Refused, match=why):
        imported(tmp_path, named(model, names) if names else model, schema)


def test_another_kind_and_a_gap_without_an_imputer_are_named(tmp_path: Path) -> None:
    model = named(LinearSVC().fit(X, Y))
    as_category = FeatureSchema((Feature("height"), Feature("weight", "category"), Feature("age")))
    with pytest.raises(Refused, match="'weight' is a category in the namespace, a number in the file"):
        imported(tmp_path, model, as_category)
    text = FeatureSchema((Feature("height"), Feature("weight"), Feature("age", "text")))
    with pytest.raises(Refused, match="the namespace has texts, 'age': no model of texts can be imported yet"):
        imported(tmp_path, model, text)
    gaps = FeatureSchema((Feature("height"), Feature("weight"), Feature("age", missing=True)))
    with pytest.raises(Refused, match="'age' may be missing in the namespace; the file has no SimpleImputer for it"):
        imported(tmp_path, model, gaps)


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ([0, 1], ("0", "1")),
        ([10.0, 9.0, 2.0], ("2", "9", "10")),
        (["é", "a"], ("a", "é")),
        ([True, False], ("False", "True")),
    ],
)
def test_labels_are_spelled_as_ours_in_the_order_of_the_file(
    tmp_path: Path, labels: list[Any], classes: tuple[str, ...]
) -> None:
    y = np.array([labels[i % len(labels)] for i in range(40)])
    assert imported(tmp_path, LinearSVC().fit(X, y), numbers_alone(NAMES)).model.classes == classes


def test_two_classes_of_a_logistic_regression_keep_its_probability(tmp_path: Path) -> None:
    fit = LogisticRegression().fit(X, Y)
    model = imported(tmp_path, fit, numbers_alone(NAMES)).model
    labels, margins = predict(model, X)
    assert np.abs(confidence(model, margins, labels) - fit.predict_proba(X).max(axis=1)).max() < 1e-6
    assert imported(tmp_path, LinearSVC().fit(X, Y), numbers_alone(NAMES)).model.calibration is None


@pytest.mark.parametrize(
    ("encoder", "new", "dropped"),
    [
        (OneHotEncoder(handle_unknown="error"), "nothing", None),
        (OneHotEncoder(handle_unknown="ignore", drop="first"), "nothing", "blue"),
        (OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=3), "rare", None),
    ],
)
def test_a_new_level_is_scored_as_the_encoder_has_it(
    tmp_path: Path, encoder: OneHotEncoder, new: str, dropped: str | None
) -> None:
    """Under "error" scikit-learn has no answer, so that no column is the nearest one."""
    pipeline = colours(encoder, ["red"] * 5 + ["blue"] * 4 + ["rare"])
    model = imported(tmp_path, pipeline, COLOUR).model
    margin = {one: float(predict(model, np.array([row([one], COLOUR)]))[1][0, 0]) for one in ("red", "new", "rare")}
    expected = pipeline[-1].intercept_[0] if new == "nothing" else margin["rare"]
    assert margin["new"] == pytest.approx(expected)
    (category,) = model.encoder.categories if model.encoder else ()
    assert ("rare" in category.levels) == (new == "nothing")
    assert dropped is None or dropped in category.levels


def test_none_and_nan_of_different_weights_are_refused(tmp_path: Path) -> None:
    values = ["red", "blue", None, np.nan] * 10
    pipeline = colours(OneHotEncoder(handle_unknown="ignore"), values)
    with pytest.raises(Refused, match="different weights for None and NaN"):
        imported(tmp_path, pipeline, COLOUR)


@pytest.mark.parametrize(
    ("pipeline", "why"),
    [
        (colours(OneHotEncoder(), [f"l{i}" for i in range(300)]), "'colour' has 300 levels; 256 are possible"),
        (colours(OneHotEncoder(), [1, 2] * 10), "level 1, which is no text"),
        (
            make_pipeline(SimpleImputer(), OneHotEncoder(), LinearSVC()).fit(
                np.arange(20.0)[:, None] % 3, np.arange(20) % 2
            ),
            "OneHotEncoder gets numbers",
        ),
        (
            make_pipeline(SimpleImputer(missing_values=-1), LinearSVC()).fit(X[:, :1], Y),
            "SimpleImputer takes '-1' as missing",
        ),
        (StandardScaler().fit(X), "it is a StandardScaler: a classifier"),
        (LinearSVC(), "has no n_features_in_: it isn't fitted"),
        (make_pipeline(LinearSVC()).fit(X, Y)[:-1], "an empty pipeline"),
    ],
)
def test_what_can_not_be_expressed_is_refused_with_a_word(tmp_path: Path, pipeline: Any, why: str) -> None:
    with pytest.raises(Refused, match=why):
        imported(tmp_path, pipeline, COLOUR)


def test_a_file_that_asks_for_endless_columns_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns_module, "MADE_MAX", 100)
    columns = make_column_transformer(("passthrough", [0, 1, 2] * 40)).fit(X)
    pipeline = Pipeline([("columns", columns), ("svm", LinearSVC().fit(X, Y))])
    with pytest.raises(Refused, match="too many columns"):
        imported(tmp_path, pipeline, numbers_alone(NAMES))
