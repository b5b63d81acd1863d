"""The gate: whether one model is better than another, by exact tests and by evidence that may be looked at any time."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from relearn.agents.learning.gate import (
    Comparison,
    Tally,
    first,
    gate,
    log_evidence,
    rollback_evidence,
    shadow_verdict,
    sign_test,
    tally,
)

small = st.integers(0, 60)
tallies = st.builds(lambda fixed, broken, same: Tally(fixed, broken, fixed + broken + same), small, small, small)
alphas = st.floats(0.001, 0.49)
labels = st.sampled_from("abc")
EVEN = Tally(5, 5, 100)
BETTER, WORSE = Comparison(True, False), Comparison(False, True)


def test_fixed_and_broken_are_counted_where_one_of_the_two_is_right() -> None:
    truth, champion, challenger = "aaaabc", "abbacb", "babacb"
    assert tally(list(truth), list(champion), list(challenger)) == Tally(fixed=1, broken=1, rows=6)


@given(st.lists(st.tuples(labels, labels, labels)))
def test_swapping_the_two_swaps_fixed_and_broken(rows: list[tuple[str, str, str]]) -> None:
    truth, old, new = ([row[i] for row in rows] for i in range(3))
    found = tally(truth, old, new)
    assert tally(truth, new, old) == Tally(found.broken, found.fixed, found.rows)
    assert tally(truth, old, old) == Tally(0, 0, len(rows))


def test_answers_to_different_records_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        tally(["a", "b"], ["a"], ["a", "b"])


@given(st.integers(0, 40), st.integers(0, 40))
def test_the_sign_test_equals_the_sum_over_all_outcomes(fixed: int, broken: int) -> None:
    n = fixed + broken
    assert sign_test(fixed, broken) == float(Fraction(sum(math.comb(n, k) for k in range(fixed, n + 1)), 2**n))


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_p_falls_with_each_record_fixed_and_rises_with_each_broken(fixed: int, broken: int) -> None:
    p = sign_test(fixed, broken)
    assert 0 < p <= 1
    assert sign_test(fixed + 1, broken) <= p <= sign_test(fixed, broken + 1)


@pytest.mark.parametrize(
    ("fixed", "broken"), [(2600, 2400), (5200, 5000), (10_000, 10_000), (10_100, 9_901), (600_000, 599_000)]
)
def test_it_holds_for_thousands(fixed: int, broken: int) -> None:
    """Also where whole numbers give way to floats, beyond 20,000."""
    assert sign_test(fixed, broken) == pytest.approx(binom.sf(fixed - 1, fixed + broken, 0.5), rel=1e-9)


@pytest.mark.parametrize(("fixed", "p"), [(0, 1.0), (1, 0.5), (4, 1 / 16), (5, 1 / 32)])
def test_five_of_five_are_significant_and_four_are_not(fixed: int, p: float) -> None:
    assert sign_test(fixed, 0) == p


@pytest.mark.parametrize("fixed", [5_000, 50_000])
def test_p_is_never_zero(fixed: int) -> None:
    assert sign_test(fixed, 0) > 0


@given(tallies, st.none() | tallies, st.lists(labels, max_size=2), alphas)
def test_nothing_is_promoted_without_a_p_within_alpha(
    evidence: Tally, silence: Tally | None, vanished: list[str], alpha: float
) -> None:
    verdict = gate(evidence, silence, vanished=vanished, alpha=alpha)
    if verdict.outcome == "promoted":
        assert verdict.facts[verdict.path]["p"] <= alpha
        assert not vanished
    assert (verdict.outcome == "rejected") == bool(vanished)
    assert json.loads(json.dumps(verdict.facts)) == verdict.facts


@given(
    st.lists(
        st.tuples(st.sampled_from(["evidence", "volunteer", "unreviewed"]), labels, labels, labels, st.integers(1, 12)),
        max_size=12,
    ),
    alphas,
)
def test_of_two_models_at_most_one_is_promoted_over_the_other(
    groups: list[tuple[str, str, str, str, int]], alpha: float
) -> None:
    """On the same records, whichever of them is the champion: also where volunteers contradict the evidence."""
    rows = [row for *row, times in groups for _ in range(times)]

    def promoted(old: int, new: int) -> bool:
        evidence = [row for row in rows if row[0] == "evidence"]
        truth = [row[old] if row[0] == "unreviewed" else row[1] for row in rows]
        verdict = gate(
            tally([row[1] for row in evidence], [row[old] for row in evidence], [row[new] for row in evidence]),
            tally(truth, [row[old] for row in rows], [row[new] for row in rows]),
            vanished=[],
            alpha=alpha,
        )
        return verdict.outcome == "promoted"

    assert not (promoted(2, 3) and promoted(3, 2))


def test_evidence_comes_first() -> None:
    verdict = gate(Tally(9, 1, 40), None, vanished=[], alpha=0.05)
    assert (verdict.outcome, verdict.path) == ("promoted", "evidence")
    assert verdict.why == "on the evidence it fixes 9 and breaks 1 of 40 records (p = 0.011)"
    assert verdict.facts["evidence"]["p"] == pytest.approx(11 / 1024)
    assert verdict.facts["silence"] is None


def test_silence_is_asked_where_evidence_says_too_little() -> None:
    verdict = gate(Tally(0, 0, 0), Tally(20, 6, 500), vanished=[], alpha=0.05)
    assert (verdict.outcome, verdict.path) == ("promoted", "silence")
    assert "silence counting against it" in verdict.why


def test_volunteers_do_not_outweigh_evidence_against_it() -> None:
    verdict = gate(Tally(0, 5, 50), Tally(20, 5, 500), vanished=[], alpha=0.05)
    assert (verdict.outcome, verdict.path) == ("shadow", "shadow")


@pytest.mark.parametrize("silence", [None, EVEN])
def test_what_nothing_decides_becomes_a_shadow(silence: Tally | None) -> None:
    verdict = gate(EVEN, silence, vanished=[], alpha=0.05)
    assert (verdict.outcome, verdict.path) == ("shadow", "shadow")
    assert verdict.facts["evidence"] == {
        "fixed": 5,
        "broken": 5,
        "rows": 100,
        "p": sign_test(5, 5),
        "log_evidence": log_evidence(5, 5),
    }


def test_a_class_that_vanished_rejects_whatever_else_is_better() -> None:
    verdict = gate(Tally(50, 0, 50), None, vanished=["b", "c"], alpha=0.05)
    assert (verdict.outcome, verdict.path) == ("rejected", "vanished")
    assert verdict.why == "it doesn't know 'b', 'c', which the champion answers"


@pytest.mark.parametrize(("accuracy", "outcome"), [(0.8, "promoted"), (0.75, "rejected"), (0.7, "rejected")])
def test_the_first_model_must_beat_the_majority(accuracy: float, outcome: str) -> None:
    verdict = first(accuracy, 0.75, "a")
    assert (verdict.outcome, verdict.path) == (outcome, "first")
    assert verdict.why == (f"out of fold it is right in {accuracy:.1%}; answering 'a' every time is right in 75.0%")


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


def test_eight_records_that_only_the_former_champion_gets_right_bring_it_back() -> None:
    assert not rollback_evidence([BETTER] * 7, threshold=20, limit=1000).rolls_back
    found = rollback_evidence([BETTER] * 50, threshold=20, limit=1000)
    assert (found.rolls_back, found.at_row, found.broken, found.fixed, found.rows) == (True, 8, 8, 0, 8)
    assert found.e == pytest.approx(1.5**8)


def test_rows_beyond_the_limit_do_not_count() -> None:
    rows = [WORSE, Comparison(True, True), Comparison(False, False)] + [BETTER] * 50
    assert rollback_evidence(rows, threshold=20, limit=12).at_row is None
    assert rollback_evidence(rows, threshold=20, limit=13).at_row == 13


@given(st.lists(st.builds(Comparison, st.booleans(), st.booleans()), max_size=60), st.integers(0, 60))
def test_looking_often_finds_what_looking_once_finds(rows: list[Comparison], looked: int) -> None:
    whole, so_far = (rollback_evidence(some, threshold=5, limit=1000) for some in (rows, rows[:looked]))
    assert so_far.rolls_back == (whole.at_row is not None and whole.at_row <= looked)
    assert whole.e == pytest.approx(1.5**whole.broken * 0.5**whole.fixed)
    assert whole.rolls_back == (whole.e >= 5)


def test_any_amount_of_evidence_can_be_told() -> None:
    found = rollback_evidence([WORSE] * 5000, threshold=20, limit=5000)
    assert (found.e, found.log_e < -3000) == (0.0, True)
    huge = rollback_evidence([BETTER] * 5000, threshold=float("inf"), limit=5000)
    assert math.isfinite(huge.e)
    assert not huge.rolls_back


@pytest.mark.parametrize("differ", [0.1, 0.4])
def test_equal_models_are_rolled_back_in_five_of_a_hundred_runs_at_most(differ: float) -> None:
    """However often one looks within 1,000 rows: the chance to reach 20 is 1 in 20 at most."""
    rng = np.random.default_rng(1)
    runs = 1500
    kinds = np.where(rng.random((runs, 1000)) < differ, rng.integers(0, 2, (runs, 1000)), 2)
    rows = [BETTER, WORSE, Comparison(True, True)]
    back = sum(rollback_evidence([rows[i] for i in run], threshold=20, limit=1000).rolls_back for run in kinds)
    assert 0 < back / runs <= 0.05


def test_a_champion_ten_points_worse_is_found() -> None:
    rng = np.random.default_rng(2)
    kinds = rng.choice(3, size=(200, 1000), p=[0.15, 0.05, 0.8])
    rows = [BETTER, WORSE, Comparison(True, True)]
    found = [rollback_evidence([rows[i] for i in run], threshold=20, limit=1000) for run in kinds]
    assert np.mean([one.rolls_back for one in found]) > 0.95
    assert np.median([one.rows for one in found]) < 150
