"""Scoring again what was scored before: counts that add up, whatever the chunks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.learning.predict import predict
from relearn.agents.learning.replay import Replayed, Stored, replay, replayed_fields, reproduced
from relearn.schemas.identity import Place
from relearn.schemas.model.linear_svm import Model
from relearn.scripts.commands.replay import replay_lines
from tests.support.data.models import a_model

CLASSES = ("a", "b", "c")


def stored_by(model: Model, n: int = 20, *, seed: int = 0, version: int | None = None) -> Stored:
    """What `model` answered to n records; `version`: recorded as another version's."""
    features = np.random.default_rng(seed).normal(size=(n, len(model.feature_names)))
    labels, margins = predict(model, features)
    places = [Place(0, 0, i, 0) for i in range(n)]
    by = model.version if version is None else version
    return Stored(
        places,
        features,
        [model.classes[i] for i in labels],
        np.full(n, by),
        margins if version is None else margins[:0],
    )


def part(stored: Stored, rows: slice) -> Stored:
    """Some of it; all by one model."""
    margins = stored.margins[rows] if len(stored.margins) else stored.margins
    return Stored(stored.places[rows], stored.features[rows], stored.labels[rows], stored.models[rows], margins)


@pytest.mark.parametrize("classes", [("a", "b"), CLASSES])
def test_the_model_that_answered_answers_the_same(classes: tuple[str, ...]) -> None:
    model = a_model(classes=classes)
    found = replay(stored_by(model), {}, model)
    assert (found.rows, found.changed, found.own, found.off, found.reviewed) == (20, 0, 20, 0, 0)


def test_another_model_changes_labels_and_both_are_judged_by_the_reviewed_ones() -> None:
    old, new = a_model(1, classes=CLASSES), a_model(2, classes=CLASSES, seed=1)
    stored = stored_by(old, version=1)
    again = [CLASSES[i] for i in predict(new, stored.features)[0]]
    truths = {stored.places[i]: again[i] for i in range(10)} | {Place(7, 0, 0, 0): "a"}
    found = replay(stored, truths, new)
    pairs = [(a, b) for a, b in zip(stored.labels, again, strict=True) if a != b]
    assert found.changed == len(pairs) > 0
    assert set(found.changes) == set(pairs)
    right = sum(a == b for a, b in list(zip(stored.labels, again, strict=True))[:10])
    assert (found.reviewed, dict(found.right)) == (10, {"model": 10, "stored": right})
    assert found.own == 0


def test_compared_with_a_third_model_its_labels_are_what_changes() -> None:
    old, new, third = (a_model(version, classes=CLASSES, seed=version) for version in (1, 2, 3))
    stored = stored_by(old)
    found = replay(stored, {stored.places[0]: "a"}, new, third)
    assert found.right.keys() == {"model", "stored", "compare"}
    labels = [[CLASSES[i] for i in predict(one, stored.features)[0]] for one in (third, new)]
    assert found.changed == sum(a != b for a, b in zip(*labels, strict=True))


def test_margins_that_are_not_what_was_stored_are_counted() -> None:
    """Each record once; a difference in the last place is none."""
    model = a_model(classes=CLASSES)
    stored = stored_by(model)
    margins = stored.margins.copy()
    margins[3] += 1e-6
    margins[7, 2] -= 1e-6
    margins[9] *= 1 + 1e-15
    found = replay(replace(stored, margins=margins), {}, model)
    assert (found.own, found.off) == (20, 2)
    assert not reproduced(model, stored.features, stored.margins[:, :1], stored.margins).any()


def test_the_tolerance_grows_with_what_was_added_up() -> None:
    model = replace(a_model(d=1), weights=np.array([[1e6]]), bias=np.array([-1e9]))
    features = np.array([[1e3]])
    margins = predict(model, features)[1]
    assert reproduced(model, features, margins + 0.9e-9 * 2e9, margins).all()
    assert not reproduced(model, features, margins + 1.1e-9 * 2e9, margins).any()


def test_a_model_without_an_answer_is_wrong_and_its_label_is_none() -> None:
    model = replace(a_model(), weights=np.full((1, 4), 1e308))
    stored = replace(stored_by(a_model(), version=9), features=np.full((20, 4), 1e10))
    found = replay(stored, {stored.places[0]: stored.labels[0]}, model)
    assert found.changed == 20
    assert (found.right["model"], found.right["stored"]) == (0, 1)
    assert {new for _, new in found.changes} == {None}


@given(st.integers(0, 30), st.integers(1, 7), st.integers(0, 5))
def test_chunks_add_up(n: int, size: int, reviewed: int) -> None:
    old, new = a_model(1, classes=CLASSES), a_model(2, classes=CLASSES, seed=1)
    stored = stored_by(old, n)
    truths = dict.fromkeys(stored.places[:reviewed], "b")
    for model in (old, new):
        whole = replay(replace(stored, margins=stored.margins[: n if model is old else 0]), truths, model)
        total = Replayed()
        for start in range(0, n, size):
            piece = part(stored, slice(start, start + size))
            total += replay(piece if model is old else replace(piece, margins=piece.margins[:0]), truths, model)
        assert (total.rows, total.changes, total.reviewed, total.own, total.off) == (
            whole.rows,
            whole.changes,
            whole.reviewed,
            whole.own,
            whole.off,
        )
        assert not n or total.right == whole.right


def test_the_fields_hold_the_ten_most_frequent_changes_and_the_counts() -> None:
    found = Replayed(rows=200, reviewed=4, right={"model": 3, "stored": 0}, own=3, off=1)
    found.changes.update({("a", str(i)): i + 1 for i in range(12)} | {("b", None): 50})
    fields = {"from": "T", "to": "U", "model": 7, "compare": None, **replayed_fields(found)}
    assert fields["changed"] == 128
    assert [change["records"] for change in fields["changes"]] == [50, *range(12, 3, -1)]
    assert fields["accuracy"] == {"model": 0.75, "stored": 0.0}
    text = "\n".join(replay_lines(fields))
    assert "128 labels (64.0%) against what was stored" in text
    assert "b -> no answer" in text
    assert "model 7     75.0% right (3)" in text
    assert "1 of them are NOT what was stored" in text
