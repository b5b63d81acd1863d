"""Drift as text, reported once per champion."""

from __future__ import annotations

from dataclasses import replace

from relearn.agents.learning.drift import Comparison
from relearn.agents.learning.drift import Shift as FeatureShift
from relearn.agents.stores.training.drift import DriftRow, DriftState, Window
from relearn.scripts.demo.watch.drift import DriftWatch, drift_text


def test_drift_is_told_by_the_readings_that_moved_most() -> None:
    """The four with the largest PSI, of however many."""
    names = tuple("abcdef")
    shifts = {name: FeatureShift(float(i), 0.0, (1,), True) for i, name in enumerate(names)}
    row = DriftRow(1, 1, DriftState(window=Window(2, 0.0, Comparison(shifts, 500))), names)
    assert drift_text(row) == "6 readings: f (PSI 5.00), e (PSI 4.00), d (PSI 3.00), c (PSI 2.00) and 2 more"
    assert drift_text(replace(row, drifted=("b",))) == "1 reading: b (PSI 1.00)"


def test_drift_is_told_once_and_again_where_there_is_more() -> None:
    """Per champion; a feature that drifts no longer is not reported, and the reviewer is called each time."""
    told, minded = list[str](), list[tuple[str, ...]]()
    drifts = DriftWatch(None, lambda _, text, style="": told.append(text), minded.append)
    assert not drifts.has_reference
    for activation, drifted in ((1, ()), (1, ("a",)), (1, ("a",)), (1, ("a", "b")), (1, ("b",)), (2, ("b",)), (2, ())):
        drifts.take(DriftRow(activation, 1, drifted=drifted))
    assert [text.split(":")[0] for text in told] == ["seen in 1 reading", "seen in 2 readings", "seen in 1 reading"]
    assert minded == [(), ("a",), ("a",), ("a", "b"), ("b",), ("b",), ()]
