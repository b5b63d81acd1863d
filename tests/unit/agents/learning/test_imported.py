"""A model that was made elsewhere as a challenger: measured on the labels here, and judged as one that knows none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relearn.agents.learning.evidence import Case
from relearn.agents.learning.gate import judge_challenger
from relearn.agents.learning.imported import (
    as_fitted,
    import_digest,
    import_trial,
    judge_without_champion,
    same_numbers,
)
from relearn.agents.learning.snapshot import Knowledge
from relearn.agents.learning.training_set import Example, TrainingSet, training_set
from relearn.agents.learning.trial import Trial
from relearn.schemas.features import numbers_alone
from relearn.schemas.model.linear_svm import Model

NAMES = ("x",)
#: "yes" where x > 0; and its reverse.
MODEL = Model(0, ("no", "yes"), NAMES, np.array([[1.0]]), np.zeros(1), np.zeros(1), np.ones(1))
CHAMPION = replace(MODEL, version=1, weights=np.array([[-1.0]]))
REASON = {"trigger": "import", "file": "a.skops", "sha256": "00", "estimator": "LinearSVC", "bytes": 7}


def examples(n: int, *, others: int = 0) -> TrainingSet:
    """n records of which MODEL is right in all, and `others` of a class that it doesn't know."""
    xs = np.linspace(-1.0, 1.0, n)
    rows = [Example(i, f"k{i}", [x], "yes" if x > 0 else "no") for i, x in enumerate(xs.tolist())]
    rows += [Example(n + i, f"o{i}", [5.0], "other") for i in range(others)]
    return training_set(numbers_alone(NAMES), rows)


def test_it_is_measured_on_the_labelled_records() -> None:
    fitted = as_fitted(MODEL, examples(30, others=10), REASON)
    assert fitted.metrics["imported"] == {"file": "a.skops", "sha256": "00", "estimator": "LinearSVC"}
    assert (fitted.metrics["examples"], fitted.metrics["accuracy"]) == (40, 0.75)
    assert list(fitted.metrics["per_class"]) == ["no", "yes", "other"]
    assert np.array(fitted.metrics["confusion"]).shape == (3, 3)
    assert fitted.calibration is not None
    assert fitted.calibration["a"][0] < 0
    assert fitted.mean == pytest.approx([50 / 40])


def test_without_labels_it_keeps_what_the_file_has() -> None:
    own = {"a": [-1.0], "b": [0.0]}
    fitted = as_fitted(replace(MODEL, calibration=own), training_set(numbers_alone(NAMES), []), REASON)
    assert (fitted.calibration, dict(fitted.metrics)) == (own, {"imported": fitted.metrics["imported"]})
    few = as_fitted(replace(MODEL, calibration=own), examples(10), REASON)
    assert few.calibration == own
    assert as_fitted(MODEL, examples(10), REASON).calibration is None


def trial(*, right: int) -> Trial:
    """A trial in which MODEL is right and CHAMPION wrong in all `right` records, which no training knew."""
    cases = [Case(f"k{i}", [1.0], "yes", "no") for i in range(right)]
    known = Knowledge(cut=9, example_cut=4)
    return Trial(CHAMPION, examples(30), cases, cases, {"cut": 9}, knowledge=known)


def test_all_evidence_judges_it_and_it_is_said_to_know_nothing() -> None:
    found = import_trial(trial(right=20), knows_labels=False)
    assert (len(found.examples), found.knowledge) == (0, Knowledge())
    verdict = judge_challenger(found, as_fitted(MODEL, examples(30), REASON), None, alpha=0.05)
    assert (verdict.outcome, verdict.path, verdict.facts["evidence"]["fixed"]) == ("promoted", "evidence", 20)


def test_one_that_knows_labels_is_judged_by_none_of_them() -> None:
    found = import_trial(trial(right=20), knows_labels=True)
    assert found.knowledge == Knowledge(cut=9, example_cut=4)
    verdict = judge_challenger(found, as_fitted(MODEL, examples(30), REASON), None, alpha=0.05)
    assert (verdict.outcome, verdict.facts["evidence"]["rows"]) == ("shadow", 0)


def test_without_a_champion_it_has_to_beat_the_most_frequent_class() -> None:
    good, bad = (judge_without_champion(as_fitted(one, examples(30), REASON)) for one in (MODEL, CHAMPION))
    assert (good.outcome, bad.outcome, good.path) == ("promoted", "rejected", "first")
    assert good.why == ("on the 30 labelled records it is right in 100.0%; answering 'no' every time is right in 50.0%")
    alone = judge_without_champion(as_fitted(MODEL, training_set(numbers_alone(NAMES), []), REASON))
    assert alone.outcome == "promoted"


def test_equal_numbers_are_the_same_model_whatever_it_was_measured_on() -> None:
    registered = as_fitted(MODEL, examples(30), REASON).as_model(5, NAMES)
    assert same_numbers(MODEL, registered)
    assert not same_numbers(MODEL, CHAMPION)
    assert import_digest(MODEL) != import_digest(CHAMPION)
    assert import_digest(MODEL) == import_digest(replace(MODEL, version=3, metrics={"imported": {}}))
