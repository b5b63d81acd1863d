"""The encoder: equal to scikit-learn's on any mixed table, and explained by what was sent."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from relearn.agents.learning.encode import columns_matrix, encode, fit_encoder, products, unseen
from relearn.agents.learning.feature_contributions import contributions
from relearn.agents.learning.fit import fit, fit_svm
from relearn.agents.learning.fit_messages import decode_answer, decode_task, encode_answer, encode_task
from relearn.agents.learning.predict import predict
from relearn.agents.learning.replay import TOLERANCE
from relearn.agents.learning.training_set import set_digest
from relearn.schemas.errors import Refused
from relearn.schemas.features import Feature, FeatureSchema, code_of, numbers_alone
from relearn.schemas.model.encoder import LEVELS_MAX, CategoryPart, Encoder, NumberPart
from relearn.schemas.model.linear_svm import Floats, decode_model, encode_model
from tests.support.data.mixed import SCHEMA, mixed_set, mixed_values, row

LEVELS = ("a", "b", "c", "d", "é")
values = st.one_of(st.none(), st.floats(-1e6, 1e6), st.integers(-3, 3).map(float))


@st.composite
def tables(draw: st.DrawFn) -> tuple[FeatureSchema, Floats, dict[float, str]]:
    """A schema, and the rows of a table with gaps and rare levels."""
    numbers, categories, n = draw(st.integers(0, 3)), draw(st.integers(0, 3)), draw(st.integers(4, 30))
    features = [*(Feature(f"n{i}", missing=True) for i in range(numbers))]
    features += [Feature(f"c{i}", "category", True) for i in range(categories)]
    schema = FeatureSchema(tuple(features or [Feature("n", missing=True)]))
    columns = [draw(st.lists(values, min_size=n, max_size=n)) for _ in schema.numbers]
    levels = st.one_of(st.none(), st.sampled_from(LEVELS))
    texts = [draw(st.lists(levels, min_size=n, max_size=n)) for _ in schema.strings]
    cells = [[math.nan if one is None else one for one in column] for column in columns]
    cells += [[math.nan if one is None else code_of(one) for one in column] for column in texts]
    return schema, np.array(cells, dtype=np.float64).T.reshape(n, len(schema)), {code_of(one): one for one in LEVELS}


def _sklearn_columns(schema: FeatureSchema, rows: Floats) -> Floats:
    """Imputed numbers, their indicators, and each category one-hot: levels, others, missing."""
    n_numbers = len(schema.numbers)
    parts = []
    if n_numbers:
        imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
        parts.append(imputer.fit_transform(rows[:, :n_numbers]))
    for column in rows[:, n_numbers:].T:
        known = {code_of(one): one for one in LEVELS}
        texts = np.array([["?" if math.isnan(code) else known[code]] for code in column], dtype=object)
        present = texts[texts != "?"].reshape(-1, 1)
        if len(present) and len(present) > 1:
            one_hot = OneHotEncoder(min_frequency=2, handle_unknown="infrequent_if_exist", sparse_output=False)
            one_hot.fit(present)
            found = one_hot.transform(texts)
            found[texts[:, 0] == "?"] = 0.0
            frequent = [one for one in one_hot.categories_[0] if (present == one).sum() >= 2]
            found = found[:, : len(frequent)]
        else:
            found = np.zeros((len(texts), 0))
        missing = (texts == "?").astype(float)
        others = 1.0 - found.sum(axis=1, keepdims=True) - missing
        parts += [found, others, missing]
    return np.hstack(parts)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(tables())
def test_columns_are_those_of_scikit_learn(table: tuple[FeatureSchema, Floats, dict[float, str]]) -> None:
    schema, rows, levels = table
    encoder = fit_encoder(schema, rows, levels)
    assert encoder is not None
    assert columns_matrix(encoder, rows).tolist() == _sklearn_columns(schema, rows).tolist()


@settings(max_examples=30, deadline=None, derandomize=True)
@given(tables(), st.integers(1, 3), st.integers(0, 99))
def test_products_are_those_of_the_columns(
    table: tuple[FeatureSchema, Floats, dict[float, str]], k: int, seed: int
) -> None:
    schema, rows, levels = table
    encoder = fit_encoder(schema, rows, levels)
    assert encoder is not None
    weights = np.random.default_rng(seed).normal(size=(k, encoder.width))
    columns = columns_matrix(encoder, rows)
    size = 1.0 + np.abs(columns) @ np.abs(weights).T
    assert (np.abs(products(encode(encoder, rows), weights) - columns @ weights.T) <= TOLERANCE * size).all()


def test_a_model_is_that_of_scikit_learns_pipeline() -> None:
    """Margins on records that it has not seen, new levels among them, within the contract's tolerance."""
    given_values, labels = mixed_values(400, seed=3)
    table = np.array(given_values, dtype=object)
    table[:, 1] = [np.nan if one is None else one for one in table[:, 1]]
    table[:, [0, 2]] = np.where(table[:, [0, 2]] == None, "?", table[:, [0, 2]])  # noqa: E711 - element by element
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    once = {"handle_unknown": "ignore"}
    pipeline = make_pipeline(
        ColumnTransformer(
            [("age", numbers, [1, 3]), ("colour", OneHotEncoder(**once), [0]), ("town", OneHotEncoder(**once), [2])]
        ),
        LinearSVC(C=0.1, dual=False, class_weight="balanced", tol=1e-12, max_iter=100_000),
    )
    pipeline.fit(table[:300], labels[:300])
    examples = mixed_set(400, seed=3)
    rows = np.array([row(one) for one in given_values])
    encoder = fit_encoder(SCHEMA, rows[:300], examples.string_of)
    assert encoder is not None
    y = np.array([label == "yes" for label in labels[:300]]).astype(np.intp)
    columns = columns_matrix(encoder, rows)
    # scikit-learn has no indicator, no column for other levels: with weight 0 here, since no row has a 1 there.
    indicator = len(encoder.numbers)
    columns[:, indicator] = 0.0
    svm = fit_svm(columns[:300], y, 0.1, scaled=2)
    margins = columns[300:] @ svm.weights[0] + svm.bias[0]
    assert np.abs(margins - pipeline.decision_function(table[300:])).max() < 1e-7


def test_contributions_add_up_to_the_margin_in_the_order_of_the_schema() -> None:
    examples = mixed_set(200)
    model = fit(examples).as_model(1, SCHEMA.names)
    labels, margins = predict(model, examples.features)
    for i in range(20):
        numbers, strings = examples.features[i, :2], examples.strings_of(examples.features[i])
        found = contributions(model, numbers, strings, model.classes[labels[i]])
        assert found is not None
        assert len(found.each) == len(SCHEMA)
        assert found.each.sum() + found.base == pytest.approx(margins[i, 0], abs=1e-9)
    # Only the colour changes: only its contribution does.
    before, after = (contributions(model, [40.0, 10.0], [colour, "t1"], "no") for colour in ("red", "green"))
    assert before is not None
    assert after is not None
    assert (before.each != after.each).tolist() == [True, False, False, False]


def test_it_learns_from_categories_and_gaps() -> None:
    fitted = fit(mixed_set(600))
    assert fitted.metrics["accuracy"] > 0.85
    answers = fitted.fold_models.answers([f"k{i}" for i in range(600)], mixed_set(600).features)
    assert len(answers) == 600


def test_a_level_never_seen_is_scored_as_other_and_counted() -> None:
    model = fit(mixed_set(200)).as_model(1, SCHEMA.names)
    known, new = row(["red", 40.0, "t1", 10.0]), row(["red", 40.0, "Atlantis", 10.0])
    rows = np.array([known, new, new])
    assert np.isfinite(predict(model, rows)[1]).all()
    assert unseen(model.encoder, encode(model.encoder, rows)).tolist() == [0, 1, 1]


def test_a_model_and_a_task_are_read_as_they_were_written() -> None:
    examples = mixed_set(80)
    task = decode_task(encode_task(examples))
    assert set_digest(task) == set_digest(examples)
    assert (task.schema, task.string_of) == (examples.schema, examples.string_of)
    fitted = fit(task)
    again = decode_answer(encode_answer(fitted))
    assert encode_answer(again) == encode_answer(fitted)
    model = again.as_model(3, SCHEMA.names)
    read = decode_model(encode_model(model))
    assert read.schema == SCHEMA
    assert predict(read, examples.features)[1].tolist() == predict(model, examples.features)[1].tolist()


def test_numbers_alone_have_no_encoder() -> None:
    assert fit_encoder(numbers_alone(["a", "b"]), np.ones((3, 2)), {}) is None


def test_the_most_frequent_of_too_many_levels_have_columns() -> None:
    codes = [code_of(f"l{i}") for i in range(1000) for _ in range(2 + (i < 10))]
    levels = {code_of(f"l{i}"): f"l{i}" for i in range(1000)}
    schema = FeatureSchema((Feature("c", "category"),))
    encoder = fit_encoder(schema, np.array(codes)[:, None], levels)
    assert encoder is not None
    (part,) = encoder.strings
    assert len(part.levels) == LEVELS_MAX
    assert {f"l{i}" for i in range(10)} <= set(part.levels)


def test_rows_of_another_width_are_refused() -> None:
    encoder = Encoder((NumberPart(missing=False, imputed=0.0, indicator=False), CategoryPart(False, ("x",))))
    with pytest.raises(ValueError, match="rows of 3 values; the encoder has 2"):
        encode(encoder, np.ones((1, 3)))


def test_many_rows_have_fewer_columns() -> None:
    """The fits' work grows with rows times columns squared: the most frequent levels of all categories stay."""
    rng = np.random.default_rng(1)
    schema = FeatureSchema((Feature("c", "category"), Feature("d", "category")))
    rows = np.column_stack([rng.integers(0, 250, 60_000), rng.integers(0, 3, 60_000)]).astype(float)
    levels = {float(i): f"level {i}" for i in range(250)}
    wide, narrow = (fit_encoder(schema, rows[:n], levels) for n in (5_000, 60_000))
    assert wide is not None
    assert narrow is not None
    assert (wide.width, narrow.width) == (250 + 3 + 4, 200)
    assert len(narrow.strings[1].levels) == 3


def test_too_many_columns_are_refused_in_words() -> None:
    schema = FeatureSchema(tuple(Feature(f"x{i}", missing=True) for i in range(9_000)))
    with pytest.raises(Refused, match="9000 features with gaps or categories take up to 18000 columns, over 16384"):
        fit_encoder(schema, np.zeros((2, 9_000)), {})
