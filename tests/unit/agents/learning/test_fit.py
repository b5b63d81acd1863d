"""Fitting: equal to scikit-learn, the same bytes every time, a clear word where nothing can be learned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples_of
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from relearn.agents.learning import fit as fitting
from relearn.agents.learning.fit import LEAST_SCALE, Svm, fit, fit_svm, out_of_fold, standardised
from relearn.agents.learning.fit_messages import decode_answer, decode_task, encode_answer, encode_task
from relearn.agents.learning.fitted_model import Fitted
from relearn.agents.learning.predict import score
from relearn.agents.learning.training_set import Example, Source, TrainingSet, sampled, training_set
from relearn.schemas.errors import Refused
from relearn.schemas.features import numbers_alone
from relearn.schemas.model.linear_svm import Floats, Model


def _set(features: Floats, labels: list[str]) -> TrainingSet:
    names = [f"x{i}" for i in range(features.shape[1])]
    return training_set(
        numbers_alone(names),
        [Example(i, f"k{i}", row, label) for i, (row, label) in enumerate(zip(features, labels, strict=True))],
    )


def _pipeline(c: float) -> Pipeline:
    svm = LinearSVC(C=c, class_weight="balanced", dual=False, tol=1e-10, max_iter=100_000)
    return make_pipeline(StandardScaler(), svm)


def _assert_parity(features: Floats, y: np.ndarray) -> None:
    """The model of scikit-learn's pipeline, as numbers: labels equal, margins within 1e-9·max(1, |b| + Σ|xᵢwᵢ|)."""
    classes = tuple(str(label) for label in np.unique(y))
    pipeline = _pipeline(0.1).fit(features, y)
    _, mean, scale = standardised(features)
    weights = np.ascontiguousarray(pipeline[-1].coef_ / scale)
    svm = Svm(weights, pipeline[-1].intercept_ - weights @ mean, mean, scale)
    scores = score(Model(1, classes, tuple(f"x{i}" for i in range(features.shape[1])), *svm), features)
    wanted = pipeline.decision_function(features).reshape(len(features), -1)
    within = 1e-9 * np.maximum(1.0, np.abs(features) @ np.abs(svm.weights).T + np.abs(svm.bias))
    assert (np.abs(scores.margins - wanted) <= within).all()
    decided = np.abs(wanted).min(axis=1) > within.max()
    if wanted.shape[1] > 1:
        ordered = np.sort(wanted, axis=1)
        decided = ordered[:, -1] - ordered[:, -2] > 2 * within.max()
    assert [classes[i] for i in scores.labels[decided]] == [str(label) for label in pipeline.predict(features)[decided]]


def _assert_same_fit(features: Floats, y: np.ndarray, weights: Floats | None = None) -> None:
    """The fit is that of scikit-learn's pipeline, as far as liblinear converges."""
    svm = fit_svm(features, np.searchsorted(np.unique(y), y), 0.1, weights)
    pipeline = _pipeline(0.1).fit(features, y, linearsvc__sample_weight=weights)
    wanted = pipeline.decision_function(features).reshape(len(features), -1)
    found = (features - svm.mean) @ svm.weights.T + (svm.bias + svm.weights @ svm.mean)
    np.testing.assert_allclose(found, wanted, rtol=0.0, atol=1e-5 * max(1.0, np.abs(wanted).max()))


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (1e6, 0.0), (1.0, 1e6)])
@pytest.mark.parametrize("load", [load_breast_cancer, load_digits])
def test_margins_and_labels_equal_those_of_scikit_learn(load: object, scale: float, shift: float) -> None:
    features, y = load(return_X_y=True)  # type: ignore[operator]
    _assert_parity(features * scale + shift, y)


@pytest.mark.parametrize("load", [load_breast_cancer, load_iris])
def test_fits_equal_those_of_scikit_learn(load: object) -> None:
    features, y = load(return_X_y=True)  # type: ignore[operator]
    _assert_same_fit(features, y)


@examples_of(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.integers(1, 12), st.sampled_from([1e-6, 1.0, 1e6]))
def test_fits_margins_and_labels_equal_on_random_problems(seed: int, k: int, d: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(k), rng.integers(0, k, 40)])
    features = scale * (rng.normal(size=(len(y), d)) + rng.normal(size=(k, d))[y] + rng.choice([0.0, 1.0]))
    features[:, rng.integers(0, d)] *= rng.choice([0.0, 1.0])
    _assert_parity(features, y)
    _assert_same_fit(features, y)
    _assert_same_fit(features, y, rng.choice([0.2, 1.0], len(y)))


@given(
    st.integers(0, 2**32 - 1), st.sampled_from([1e-200, 1e-142, 1e-6, 1.0, 1e100]), st.sampled_from([0.0, 1.0, 1e12])
)
def test_features_are_standardised_as_scikit_learn_does(seed: int, scale: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    features = scale * (rng.normal(size=(rng.integers(2, 40), 3)) + shift)
    features[:, 0] = features[0, 0]
    scaler = StandardScaler().fit(features)
    rows, mean, found = standardised(features)
    np.testing.assert_array_equal(rows[:, :-1], (features - mean) / found)
    assert (rows[:, -1] == 1.0).all()
    np.testing.assert_allclose(mean[1:], scaler.mean_[1:], rtol=1e-13)
    assert (mean[0], found[0]) == (features[0, 0], 1.0)
    tame = np.abs((features - mean) / scaler.scale_).max(axis=0) <= np.sqrt(len(features))
    tame &= scaler.scale_ >= LEAST_SCALE
    np.testing.assert_allclose(found[1:][tame[1:]], scaler.scale_[1:][tame[1:]], rtol=1e-9)


def _digits(n: int) -> TrainingSet:
    features, y = load_digits(return_X_y=True)
    return _set(features[:n], [str(label) for label in y[:n]])


def test_the_same_set_gives_the_same_bytes() -> None:
    examples = _digits(150)
    here = encode_answer(fit(examples))
    assert encode_answer(fit(decode_task(encode_task(examples)))) == here
    assert encode_answer(decode_answer(here)) == here


def test_few_examples_are_fitted_without_a_choice() -> None:
    assert fit(_digits(59)).metrics["c"] == 0.1
    assert fit(_digits(60)).metrics["c"] in {0.01, 0.1, 1.0}


def test_metrics_are_those_of_models_that_did_not_see_the_row() -> None:
    """Labels that mean nothing are answered no better than by chance out of fold, however well they are learned."""
    rng = np.random.default_rng(5)
    examples = _set(rng.normal(size=(80, 60)), [str(i % 2) for i in range(80)])
    fitted = fit(examples)
    seen = score(fitted.as_model(1, examples.schema.names), examples.features).labels
    assert np.mean([fitted.classes[i] == label for i, label in zip(seen, examples.labels, strict=True)]) > 0.9
    assert fitted.metrics["accuracy"] < 0.7
    assert np.sum(fitted.metrics["confusion"]) == fitted.metrics["examples"] == 80


def test_what_was_loaded_is_judged_apart_from_what_was_reviewed() -> None:
    """Every model on the same rows, whatever else it learned from."""
    digits = _digits(120)
    sources: tuple[Source, ...] = ("bootstrap",) * 50 + ("reviewed",) * 70
    fitted = fit(replace(digits, sources=sources))
    answers = fitted.fold_models.answers(digits.keys, digits.features)
    right = sum(answer == label for answer, label in zip(answers[:50], digits.labels[:50], strict=True))
    assert fitted.metrics["bootstrap"] == {"examples": 50, "right": right}
    assert 0 < right < 50


@pytest.mark.parametrize(
    ("features", "labels", "why"),
    [
        (np.zeros((0, 2)), [], "no examples"),
        (np.ones((3, 2)), ["a", "a", "b"], "'b' has 1"),
        (np.ones((2, 2)), ["a", "b"], "'a' has 1, 'b' has 1"),
        (np.full((4, 2), 1e308) * [[1], [-1], [1], [-1]], ["a", "a", "b", "b"], "'x0' has values too large"),
    ],
)
def test_a_set_that_cannot_be_fitted_is_refused_with_the_reason(features: Floats, labels: list[str], why: str) -> None:
    with pytest.raises(Refused, match=why):
        fit(_set(features, labels))


@pytest.mark.parametrize("value", [0.0, -1e12, 1e100])
def test_constant_features_have_no_say(value: float) -> None:
    """Alone they give a model that is no better than always answering the same."""
    rng = np.random.default_rng(0)
    labels = ["a" if x else "b" for x in rng.random(30) > 0.3]
    only = fit(_set(np.full((30, 2), value), labels))
    assert only.metrics["accuracy"] <= only.metrics["majority"]
    telling = np.column_stack([np.full(30, value), [1.0 if label == "a" else -1.0 for label in labels]])
    assert fit(_set(telling, labels)).metrics["accuracy"] == 1.0


def test_features_of_1e12_are_learned_from() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 3)) * 1e12
    assert fit(_set(features, ["p" if x > 0 else "q" for x in features[:, 0]])).metrics["accuracy"] > 0.9


def test_a_class_that_one_fold_holds_alone_is_never_answered_there() -> None:
    """Its rows count as wrong; nothing breaks, and its margins there are unknown."""
    features = np.arange(12.0).reshape(12, 1)
    y = np.array([0] * 5 + [1] * 5 + [2] * 2)
    folds = np.array([0, 1, 2, 3, 4] * 2 + [4, 4])
    found = out_of_fold(features, y, np.ones(len(y)), folds, k=3, candidates=[0.1])[0.1]
    assert 2 not in found.answers[folds == 4]
    assert np.isnan(found.margins[folds == 4, 2]).all()
    assert np.isfinite(found.margins[folds != 4]).all()


def test_folds_that_leave_one_class_or_nothing_to_learn_from_are_answered_all_the_same() -> None:
    features, y = np.arange(6.0).reshape(6, 1), np.array([0, 0, 0, 1, 1, 1])
    for folds, answers in ([0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0]), ([0] * 6, [0] * 6):
        found = out_of_fold(features, y, np.ones(6), np.array(folds), k=2, candidates=[0.1])[0.1]
        assert found.answers.tolist() == answers


def test_what_is_assumed_weighs_less_and_neither_chooses_nor_judges() -> None:
    """Wrong labels at full weight ruin a model that the same ones at a hundredth leave alone."""
    rng = np.random.default_rng(2)
    features = rng.normal(size=(200, 2))
    labels = ["yes" if x > 0 else "no" for x in features[:, 0]]
    real = [Example(i, f"k{i}", features[i], labels[i]) for i in range(50)]

    def fitted(weight: float) -> Fitted:
        wrong = {"yes": "no", "no": "yes"}
        rest = range(50, 200)
        assumed = [Example(f"0-{i}-0", f"k{i}", features[i], wrong[labels[i]], "assumed", weight) for i in rest]
        return fit(training_set(numbers_alone(("x", "y")), [*real, *assumed]))

    light, heavy = fitted(0.001), fitted(1.0)
    assert light.metrics["accuracy"] > 0.9
    assert heavy.metrics["accuracy"] < 0.5
    for one in (light, heavy):
        assert (one.metrics["examples"], one.metrics["assumed"]) == (50, 150)
        assert np.sum(one.metrics["confusion"]) == 50
        assert one.metrics["c"] == 0.1, "too few real examples to choose by"


def test_an_assumed_class_is_no_class() -> None:
    real = [Example(i, f"k{i}", (float(i), 1.0), "a" if i % 2 else "b") for i in range(10)]
    found = training_set(numbers_alone(("x", "y")), [*real, Example("0-1-0", "new", (1.0, 1.0), "c", "assumed", 0.2)])
    assert set(found.labels) == {"a", "b"}
    once_labelled = Example("0-2-0", "k3", (9.0, 9.0), "b", "assumed", 0.2)
    assert training_set(numbers_alone(("x", "y")), [*real, once_labelled]).sources.count("assumed") == 0


@pytest.mark.parametrize("choose_on", [70, 100])
def test_of_many_examples_a_sample_chooses_c_and_all_are_fitted(
    choose_on: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model is that of the chosen C on all examples, and each is still predicted by a model without its fold."""
    digits = load_digits()
    examples = _set(digits.data[:200], [str(one) for one in digits.target[:200]])
    chosen_by_all = fit(examples)
    monkeypatch.setattr(fitting, "CHOOSE_ON", choose_on)
    found = fit(examples)
    some = sampled(examples.keys, choose_on)
    part = training_set(
        examples.schema,
        [Example(int(i), examples.keys[i], examples.features[i], examples.labels[i]) for i in some],
    )
    assert found.metrics["c"] == fit(part).metrics["c"]
    assert found.metrics["examples"] == chosen_by_all.metrics["examples"] == 200
    y = np.searchsorted(np.array(found.classes), np.array(examples.labels))
    alone = fit_svm(examples.features, y, found.metrics["c"])
    assert np.allclose(found.weights, alone.weights, rtol=0, atol=1e-6 * np.abs(alone.weights).max())
    assert encode_answer(fit(examples)) == encode_answer(found)
    assert found.metrics["accuracy"] > chosen_by_all.metrics["accuracy"] - 0.03


@pytest.mark.parametrize(("labelled", "rare"), [(40, 0), (300, 1)])
def test_a_sample_that_is_too_poor_does_not_choose_c(labelled: int, rare: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few labels among assumed ones, or a class of which the sample has less than two: then all examples choose."""
    rng = np.random.default_rng(5)
    features = rng.normal(size=(600, 3))
    labels = ["yes" if row[0] > 0 else "no" for row in features]
    sources: list[Source] = ["reviewed" if i < labelled else "assumed" for i in range(600)]
    keys = [f"k{i}" for i in range(600)]
    for i in range(2 * rare):
        labels[i] = "rare"
    rows = zip(keys, features, labels, sources, strict=True)
    examples = training_set(
        numbers_alone(["a", "b", "c"]),
        [Example(i, key, row, label, source) for i, (key, row, label, source) in enumerate(rows)],
    )
    of_all = fit(examples)
    monkeypatch.setattr(fitting, "CHOOSE_ON", 70)
    some = sampled(examples.keys, 70)
    assert examples.real[some].sum() < 60 or "rare" not in {examples.labels[i] for i in some if examples.real[i]}
    assert encode_answer(fit(examples)) == encode_answer(of_all)
