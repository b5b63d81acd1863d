"""Accuracy on held-back records that no model has seen."""

from __future__ import annotations

from relearn.scripts.data.datasets import load_dataset
from relearn.scripts.demo.checks.held_back import ChampionAccuracy, HeldBack, unseen
from relearn.scripts.demo.display.summary import held_back_lines
from relearn.scripts.demo.options import split_data

CANCER = load_dataset("breast_cancer")


def test_what_a_model_has_seen_judges_nobody() -> None:
    """An earlier run with another seed may have trained on some of it."""
    held = split_data(CANCER, 60, 0).held_back
    left = unseen(held, held.subjects[:5])
    assert left.subjects == held.subjects[5:]
    assert left.labels == (held.labels or ())[5:]
    assert len(unseen(held, held.subjects)) == 0


def test_held_back_accuracy_is_told_of_each_champion() -> None:
    """Before and after the shift where there was one, and plainly where nothing is left to judge by."""
    plain = [*held_back_lines(HeldBack(300, [ChampionAccuracy(1, 0.793, None), ChampionAccuracy(3, 0.937, None)]))]
    assert plain[0] == "On 300 held-back records, never streamed, that no model has seen:"
    assert [line.split() for line in plain[2:]] == [["champion", "1", "79.3", "%"], ["champion", "3", "93.7", "%"]]
    shifted = [*held_back_lines(HeldBack(150, [ChampionAccuracy(1, 0.98, 0.55), ChampionAccuracy(2, 0.97, 0.96)]))]
    assert shifted[1].split() == ["as", "they", "were", "shifted"]
    assert shifted[2].split() == ["champion", "1", "98.0", "%", "55.0", "%"]
    assert len([*held_back_lines(HeldBack(0, []))]) == 1
