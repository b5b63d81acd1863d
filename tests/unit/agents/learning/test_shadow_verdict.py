"""The verdict on a shadow, by evidence that may be checked after every label."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest

from relearn.agents.learning.fitted_model import FoldModel, FoldModels
from relearn.agents.learning.shadow_verdict import out_of_fold, shadow_tally, shadow_verdict
from relearn.agents.learning.significance import Tally
from tests.support.data.statements import said


def _shadow(fixed: int, broken: int, *, rows: int = 0, elapsed_s: float = 0.0) -> str | None:
    found = Tally(fixed, broken, rows or fixed + broken)
    verdict = shadow_verdict(found, elapsed_s=elapsed_s, labels_limit=30, time_limit_s=600)
    return None if verdict is None else verdict.outcome


def test_seven_fixed_in_a_row_promote_a_shadow_and_three_broken_reject_it() -> None:
    assert [_shadow(fixed, 0) for fixed in (0, 6, 7)] == [None, None, "promoted"]
    assert [_shadow(0, broken) for broken in (2, 3)] == [None, "rejected"]
    assert [_shadow(fixed, 2) for fixed in (10, 11)] == [None, "promoted"]


def test_a_shadow_that_nothing_decides_is_rejected_in_the_end() -> None:
    assert [_shadow(3, 1, rows=rows) for rows in (29, 30)] == [None, "rejected"]
    assert [_shadow(3, 1, elapsed_s=elapsed_s) for elapsed_s in (-5.0, 599.9, 600.0)] == [None, None, "rejected"]


def test_evidence_counts_before_any_limit() -> None:
    assert _shadow(20, 0, rows=30, elapsed_s=1e9) == "promoted"
    verdict = shadow_verdict(Tally(3, 3, 30), elapsed_s=9.0, labels_limit=30, time_limit_s=600)
    assert verdict is not None
    assert verdict.why.startswith("not known to be better after 30 labels: as a shadow it fixes 3 and breaks 3")
    assert json.loads(json.dumps(verdict.facts)) == verdict.facts


def test_everybodys_labels_judge_a_shadow() -> None:
    """Records of keys that it was trained on by its fold models; without them, these records don't count."""
    pairs = [(said(1, "yes", key="known"), "yes"), (said(2, "yes"), "yes"), (said(3, "yes", via="volunteer"), "yes")]
    never = FoldModel(np.array([0]), np.zeros((0, 2)), np.zeros(0))
    fair = out_of_fold(pairs, labelled={"known"}, folds=FoldModels(("no", "yes"), (never,) * 5))
    assert [answer for _, answer in fair] == ["no", "yes", "yes"]
    assert shadow_tally(fair, champion=1) == Tally(fixed=1, broken=0, rows=2)
    unknown = out_of_fold(pairs, labelled={"known"}, folds=FoldModels((), ()))
    assert unknown == pairs[1:]
    assert out_of_fold([], labelled={"known"}, folds=FoldModels(("no", "yes"), (never,) * 5)) == []


@pytest.mark.parametrize("differ", [1.0, 0.5])
def test_a_shadow_equal_to_the_champion_is_rarely_promoted(differ: float) -> None:
    """Equal: what it fixes and breaks is even. e^L is a martingale then, so it reaches 16 in 1 of 16 runs at most."""
    rng = np.random.default_rng(3)
    runs = 4000
    kinds = np.where(rng.random((runs, 30)) < differ, rng.integers(0, 2, (runs, 30)), 2)
    promoted = sum(next(outcomes) == "promoted" for outcomes in map(_outcomes, kinds))
    assert 0 < promoted / runs <= 1 / 16


def _outcomes(kinds: np.ndarray) -> Iterator[str]:
    """What a shadow comes to when looked at after each label: 0 fixed, 1 broken, 2 neither."""
    fixed, broken = np.cumsum(kinds == 0).tolist(), np.cumsum(kinds == 1).tolist()
    for rows, counts in enumerate(zip(fixed, broken, strict=True), start=1):
        outcome = _shadow(*counts, rows=rows)
        if outcome is not None:
            yield outcome
