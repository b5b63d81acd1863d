"""No row stops learning: what training can't use is left out, counted and named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples_of
from hypothesis import strategies as st

from relearn.agents.learning import usable_rows
from relearn.agents.learning.fit import SET_ASIDE_SHOWN, fit
from relearn.agents.learning.fitted_model import FoldModels
from relearn.agents.learning.gate import judge_challenger
from relearn.agents.learning.rollback_verdict import compare_answers
from relearn.agents.learning.snapshot import Champion, Snapshot, Unreviewed
from relearn.agents.learning.training_set import (
    CLASSES_MAX,
    WEIGHTS_MAX_BYTES,
    Example,
    classes_max,
    training_set,
)
from relearn.agents.learning.usable_rows import LARGEST, MEDIANS_OF, NAMED_MAX, UsableRows
from relearn.schemas.features import numbers_alone
from relearn.schemas.model.linear_svm import Model
from tests.support.data.statements import said
from tests.support.data.trials import prepared

NAMES = ("x", "y")
SCHEMA = numbers_alone(NAMES)
MODEL = Model(1, ("no", "yes"), NAMES, np.array([[1.0, 0.0]]), np.zeros(1), np.zeros(2), np.ones(2))
anything = st.floats(allow_nan=True, allow_infinity=True, width=64)
hostile = st.lists(anything, max_size=4) | st.sampled_from(
    [[1e200, 0.0], [5e-324, 0.0], [1e140, -1e140], [1e308, 1e308], [1e12, 0.0], [float("nan"), 1.0], [1.0], []]
)


def good(n: int = 24) -> list[Example]:
    rng = np.random.default_rng(0)
    return [
        Example(i, f"b-{i}", [float(i % 2) + 0.1 * rng.normal(), rng.normal()], "yes" if i % 2 else "no")
        for i in range(n)
    ]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@examples_of(max_examples=60)
@given(rows=st.lists(st.tuples(hostile, st.sampled_from(["bootstrap", "reviewed", "assumed"])), min_size=1, max_size=4))
def test_no_row_stops_a_training_or_its_verdict(rows: list[tuple[list[float], str]]) -> None:
    """As a loaded example, as a review, as an unreviewed prediction: the model is fitted and judged, and is finite."""
    loaded = [(0.0, one) for one in good()]
    loaded += [(1.0, Example(100 + i, f"bad-{i}", row, "yes")) for i, (row, at) in enumerate(rows) if at == "bootstrap"]
    statements = [said(n, "yes", predicted="no") for n in range(1, 4)]
    statements += [
        said(50 + i, "yes", predicted="no")._replace(features=row)
        for i, (row, at) in enumerate(rows)
        if at == "reviewed"
    ]
    some = [Example(f"0-{i}-0", f"u-{i}", row, "no", "assumed") for i, (row, at) in enumerate(rows) if at == "assumed"]
    keys = frozenset(f"b-{i}" for i in range(24))
    champion = Champion(MODEL, 0, frozenset(range(24)), frozenset(), keys, FoldModels((), ()))
    unreviewed = Unreviewed(some, complete=True)
    trial = prepared(Snapshot(SCHEMA, loaded, statements, 99, champion, unreviewed, None))
    fitted = fit(trial.examples)
    assert all(np.isfinite(part).all() for part in (fitted.weights, fitted.bias, fitted.mean, fitted.scale))
    assert judge_challenger(trial, fitted, unreviewed, alpha=0.05).outcome
    compare_answers(statements, MODEL)
    left_out = trial.facts["left_out"]
    assert left_out["rows"] == sum(left_out["reasons"].values()) >= len(left_out["first"])
    unfit = sum(len(row) != 2 or not all(abs(value) <= LARGEST for value in row) for row, _ in rows)
    assert left_out["rows"] >= unfit
    assert trial.facts["bootstrap"] >= 24 - 12


def test_the_rows_left_out_are_named() -> None:
    """With the reason and the feature; the row that makes all others look equal is one of them."""
    rows = good()
    bad = [[1e200, 0.0], [0.0, float("inf")], [0.0], [0.0, 1e9]]
    usable = UsableRows(SCHEMA, {"reviewed": [[0.5, 0.5]], "bootstrap": [one.features for one in rows] + bad})
    every = [*rows, *(Example(100 + i, f"bad-{i}", row, "no") for i, row in enumerate(bad))]
    assert usable.of("bootstrap", every, lambda one: one.id) == rows
    assert usable.of("reviewed", ["one"], lambda one: one) == ["one"]
    assert usable.left_out.fields() == {
        "rows": 4,
        "reasons": {"overflow": 1, "not-finite": 1, "dimension": 1, "far": 1},
        "first": [
            {"id": "100", "source": "bootstrap", "reason": "overflow", "feature": "x"},
            {"id": "101", "source": "bootstrap", "reason": "not-finite", "feature": "y"},
            {"id": "102", "source": "bootstrap", "reason": "dimension", "feature": None},
            {"id": "103", "source": "bootstrap", "reason": "far", "feature": "y"},
        ],
    }
    many = UsableRows(SCHEMA, {"assumed": [[]] * 1000})
    many.of("assumed", [[]] * 1000, lambda row: "id")
    assert (many.left_out.fields()["rows"], len(many.left_out.first)) == (1000, NAMED_MAX)


@pytest.mark.parametrize("medians_of", [MEDIANS_OF, 70])
def test_usual_columns_lose_no_row(medians_of: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Constants, rare flags, long tails, and units of any size; also where medians are those of some rows."""
    monkeypatch.setattr(usable_rows, "MEDIANS_OF", medians_of)
    rng = np.random.default_rng(0)
    columns = [
        np.zeros(500),
        np.eye(500)[3],
        (np.arange(500) < 10).astype(float),
        rng.lognormal(0, 3, 500),
        1e12 * rng.normal(size=500),
        1e-12 * rng.normal(size=500),
        rng.poisson(0.02, 500).astype(float),
    ]
    rows = np.column_stack(columns).tolist()
    usable = UsableRows(numbers_alone([str(i) for i in range(7)]), {"bootstrap": rows})
    assert len(usable.of("bootstrap", rows, lambda row: 0)) == 500
    far = [[0.0] * 6 + [1e13], [0.0] * 5 + [1.0, 0.0], [float("nan")] * 7]
    more = UsableRows(numbers_alone([str(i) for i in range(7)]), {"bootstrap": [*far, *rows]})
    assert more.of("bootstrap", [*far, *rows], lambda row: 0) == rows
    assert more.left_out.fields()["rows"] == 3


@given(d=st.integers(1, 20_000))
def test_a_models_weights_stay_publishable_however_many_labels_are_invented(d: int) -> None:
    assert 2 <= classes_max(d) <= CLASSES_MAX
    assert classes_max(d) == 2 or classes_max(d) * 8 * (d + 1) <= WEIGHTS_MAX_BYTES


def test_invented_labels_take_no_class_from_the_loaded_ones_or_the_champion() -> None:
    """However many examples they have; the largest get what is left, and the rest is set aside and counted."""
    loaded = [Example(i, f"b-{i}", [float(i % 3), 0.0], f"class {i % 3}") for i in range(6)]
    own = [Example(10 + i, f"c-{i}", [4.0, 0.0], "champion's", "reviewed") for i in range(2)]
    invented = [Example(100 + i, f"i-{i}", [5.0, float(i)], f"invented {i % 2000}", "reviewed") for i in range(6001)]
    found = training_set(SCHEMA, [*loaded, *own, *invented], keep_classes=["champion's"])
    labels = set(found.labels)
    assert len(labels) == CLASSES_MAX
    assert {"class 0", "class 1", "class 2", "champion's", "invented 0"} <= labels
    assert len(found.set_aside) == 2004 - CLASSES_MAX
    metrics = fit(
        training_set(SCHEMA, [*loaded, *(Example(9 + i, f"k{i}", [1.0, 1.0], f"l{i}") for i in range(50))])
    ).metrics
    assert (len(metrics["set_aside"]), metrics["classes_set_aside"]) == (SET_ASIDE_SHOWN, 50)


@pytest.mark.parametrize(
    ("left", "withdrawn", "path"), [(0, {"invented"}, "shadow"), (1, {"invented"}, "vanished"), (0, {"no"}, "vanished")]
)
def test_a_class_whose_labels_were_all_withdrawn_may_vanish(left: int, withdrawn: set[str], path: str) -> None:
    """Otherwise each later challenger would be rejected, as long as the champion answers that class."""
    champion = Champion(
        Model(1, ("invented", "no", "yes"), NAMES, np.zeros((3, 2)), np.zeros(3), np.zeros(2), np.ones(2)),
        0,
        frozenset(),
        frozenset(),
        frozenset(),
        FoldModels((), ()),
    )
    loaded = [(0.0, one) for one in good()]
    loaded += [(1.0, Example(100 + i, f"i-{i}", [0.0, 0.0], "invented")) for i in range(left)]
    snapshot = Snapshot(SCHEMA, loaded, [], 0, champion, None, None, withdrawn=frozenset(withdrawn))
    trial = prepared(snapshot)
    verdict = judge_challenger(replace(trial, evidence=()), fit(trial.examples), None, alpha=0.05)
    assert (verdict.path, verdict.facts["vanished"]) == (path, ["invented"] if path == "vanished" else [])
