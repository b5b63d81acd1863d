"""Random scikit-learn pipelines, fitted on random tables of numbers and categories with gaps: a strategy."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from relearn.schemas.features import Feature, FeatureSchema, Value

LEVELS = ("", "a", "b", "c", "d", "None", "nan", "é", "Red", "red")
#: Levels that no table is fitted on.
NEW = ("new", "other", "A")
_CLASSES = (("no", "yes"), ("b", "a", "c"), ("0", "1", "10", "2"), (0, 1), (3, 1, 2), (1.0, 2.0), (True, False))


class Fitted(NamedTuple):
    """A fitted pipeline, the features that it takes, and records for it."""

    pipeline: Any
    schema: FeatureSchema
    records: list[list[Value]]

    def table(self) -> NDArray[Any]:
        """The records as scikit-learn takes them: missing as NaN."""
        cells = [[np.nan if one is None else one for one in record] for record in self.records]
        return np.array(cells, dtype=object).reshape(len(cells), len(self.schema))


class _Draw(NamedTuple):
    draw: st.DrawFn
    rng: np.random.Generator

    def one(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))


@st.composite
def fitted(draw: st.DrawFn) -> Fitted:
    """Scaler, imputers and one-hot in many arrangements; each classifier; two classes and more."""
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    its = _Draw(draw, rng)
    kinds = draw(st.lists(st.sampled_from("nc"), min_size=1, max_size=5))
    gaps = [its.one(True, False) for _ in kinds]
    n = draw(st.integers(20, 60))
    table = np.empty((n, len(kinds)), dtype=object)
    for place, kind in enumerate(kinds):
        table[:, place] = _column(its, kind, n, gap=gaps[place])
    classes = its.one(*_CLASSES)
    y = np.array([classes[i % len(classes)] for i in range(n)])
    names = [f"{kind} {i}" for i, kind in enumerate(kinds)]
    schema = FeatureSchema(
        tuple(
            Feature(name, "number" if kind == "n" else "category", gap)
            for name, kind, gap in zip(names, kinds, gaps, strict=True)
        )
    )
    steps = [("columns", _columns(its, kinds, gaps))]
    if its.one(True, False):
        steps.append(("scaler", StandardScaler(with_mean=False, with_std=its.one(True, False))))
    pipeline = Pipeline([*steps, ("classifier", _classifier(its))])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        pipeline.fit(table, y)
    known = [sorted({one for one in table[:, i] if isinstance(one, str)}) for i in range(len(kinds))]
    strict = any(getattr(one, "handle_unknown", "") == "error" for one in _inner(pipeline))
    records = [
        [_value(its, kind, known[i], gap=gaps[i], strict=strict) for i, kind in enumerate(kinds)] for _ in range(12)
    ]
    return Fitted(pipeline, schema, records)


def _column(its: _Draw, kind: str, n: int, *, gap: bool) -> NDArray[Any]:
    found = np.empty(n, dtype=object)
    if kind == "n":
        found[:] = its.rng.normal(its.one(0.0, 5.0, -1e3), its.one(1.0, 1e-3, 1e4), n).tolist()
    else:
        chance = its.rng.dirichlet(np.full(len(LEVELS), 0.5))
        found[:] = [LEVELS[i] for i in its.rng.choice(len(LEVELS), n, p=chance)]
    if gap:
        found[its.rng.random(n) < 0.2] = np.nan
        found[0] = np.nan
    return found


def _value(its: _Draw, kind: str, known: list[str], *, gap: bool, strict: bool) -> Value:
    if gap and its.rng.random() < 0.2:
        return None
    if kind == "n":
        return float(its.rng.normal(0.0, 100.0))
    levels = known if strict else [*LEVELS, *NEW]
    return levels[int(its.rng.integers(len(levels)))]


def _columns(its: _Draw, kinds: list[str], gaps: list[bool]) -> ColumnTransformer:
    """Each feature in a step of its own kind, maybe in two; the steps in any order."""
    steps = []
    for kind, make in (("n", _of_numbers), ("c", _of_categories)):
        places = [i for i, one in enumerate(kinds) if one == kind]
        if not places:
            continue
        steps.append((kind, make(its, [gaps[i] for i in places]), _chosen(its, places, len(kinds))))
        if its.one(True, False, False):
            steps.append((f"{kind} again", make(its, [gaps[i] for i in places]), places))
    if its.one(True, False):
        steps.reverse()
    weights = {steps[0][0]: its.one(0.5, 3.0)} if its.one(True, False, False) else None
    return ColumnTransformer(steps, transformer_weights=weights, sparse_threshold=its.one(0.0, 0.3, 1.0))


def _chosen(its: _Draw, places: list[int], width: int) -> Any:
    if places == list(range(places[0], places[-1] + 1)) and its.one(True, False):
        return slice(places[0], places[-1] + 1)
    return its.one(places, [i in places for i in range(width)], np.array(places), [i - width for i in places])


def _of_numbers(its: _Draw, gaps: list[bool]) -> Any:
    strategy = its.one("mean", "median", "most_frequent", "constant")
    fill = -1.5 if strategy == "constant" else None
    imputer = SimpleImputer(strategy=strategy, fill_value=fill, add_indicator=its.one(True, False))
    steps: list[Any] = [imputer] if any(gaps) or its.one(True, False) else ["passthrough"]
    if its.one(True, False):
        steps.append(StandardScaler())
    if its.one(True, False, False):
        steps.insert(0, StandardScaler())
    return steps[0] if len(steps) == 1 else make_pipeline(*steps)


def _of_categories(its: _Draw, gaps: list[bool]) -> Any:
    drop = its.one(None, None, "first", "if_binary")
    fewer = its.one({}, {}, {"min_frequency": its.one(2, 4, 0.2)}, {"max_categories": its.one(2, 3, 5)})
    unknown = its.one("ignore", "error", "infrequent_if_exist", "ignore")
    steps: list[Any] = [OneHotEncoder(drop=drop, handle_unknown=unknown, sparse_output=its.one(True, False), **fewer)]
    if any(gaps) and its.one(True, False):
        impute = its.one({"strategy": "most_frequent"}, {"strategy": "constant", "fill_value": its.one("gap", "a")})
        steps.insert(0, SimpleImputer(add_indicator=False, **impute))
    if its.one(True, False, False):
        steps.append(StandardScaler(with_mean=False))
    return steps[0] if len(steps) == 1 else make_pipeline(*steps)


def _classifier(its: _Draw) -> Any:
    intercept = its.one(True, True, False)
    return its.one(
        LinearSVC(fit_intercept=intercept, C=0.1, max_iter=200),
        LogisticRegression(fit_intercept=intercept, max_iter=50),
        RidgeClassifier(fit_intercept=intercept),
        SGDClassifier(fit_intercept=intercept, max_iter=20, average=its.one(True, False), random_state=0),
    )


def _inner(step: Any) -> list[Any]:
    """All estimators in a step."""
    if isinstance(step, Pipeline):
        return [one for _, inner in step.steps for one in _inner(inner)]
    if isinstance(step, ColumnTransformer):
        return [one for _, inner, _ in step.transformers_ for one in _inner(inner)]
    return [step]
