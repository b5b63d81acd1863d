"""When the champion is rolled back: the evidence for it, which audited records count, and what can change that."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.learning.reviews import UNBIASED, Statement
from relearn.agents.learning.rollback_verdict import AnswerPair, audited, count_audited, is_enough, rollback_verdict
from relearn.schemas.messages.feedback import Via
from tests.support.data.statements import said

BETTER, WORSE = AnswerPair(True, False), AnswerPair(False, True)
#: Some records have one key; a few reviewers change their minds, and one message may overtake another's storing.
RECORDS = 9


@st.composite
def _statements(draw: st.DrawFn) -> list[Statement]:
    """In the order of commits, which isn't Kafka's."""
    sent = draw(st.lists(st.integers(0, 60), unique=True, min_size=10, max_size=60))
    found = []
    for number, at in enumerate(sent, start=1):
        record = draw(st.integers(0, RECORDS - 1))
        given_: dict[str, object] = {
            "key": f"key-{record % 6}",
            "via": draw(st.sampled_from(get_args(Via))),
            "reviewer": draw(st.sampled_from(["ann", "bob", None])),
            "sent": (float(at // 3), 0, at),
        }
        found.append(said(number, draw(st.sampled_from(["yes", "no", None])), of=record, **given_))
    return found


@given(_statements(), st.integers(5, 40), st.integers(1, 3), st.sets(st.just("key-0")))
def test_what_is_no_news_changes_nothing(all_: list[Statement], known: int, limit: int, trained_on: set[str]) -> None:
    before, later = all_[:known], all_[known:]
    counted = count_audited(before, trained_on, limit=limit)
    dull = [one for one in later if one.key in trained_on or not counted.may_change(one)]
    assert audited([*before, *dull], trained_on)[:limit] == counted.rows


@given(_statements(), st.integers(1, 6), st.integers(1, 3), st.sets(st.just("key-0")))
def test_what_is_enough_counts_as_everything_does(
    found: list[Statement], keys: int, limit: int, trained_on: set[str]
) -> None:
    """The order of records that were audited at the same time is undefined."""
    by_audit = sorted((one for one in found if one.via in UNBIASED), key=lambda one: (one.sent[0], -one.sent[2]))
    first = list(dict.fromkeys(one.key for one in by_audit))[:keys]
    read = [one for one in found if one.key in first]
    counted = count_audited(read, trained_on, limit=limit)
    assert not is_enough(read, keys, counted) or counted == count_audited(found, trained_on, limit=limit)


def test_until_enough_is_audited_every_audit_is_news() -> None:
    counted = count_audited([said(1, "yes")], (), limit=2)
    assert counted.may_change(said(2, "yes"))
    assert not counted.may_change(said(2, "yes", via="queue"))


def test_once_enough_is_audited_only_statements_about_those_records_change_anything() -> None:
    """Or was sent before it, and stored later."""
    counted = count_audited([said(2, "yes"), said(3, "no")], (), limit=2)
    assert not counted.may_change(said(4, "yes"))
    assert counted.may_change(said(4, None, of=3, via="volunteer"))
    assert counted.may_change(said(1, "yes"))


def test_a_review_that_a_later_one_hides_may_come_back() -> None:
    """It is among the first once that is taken back."""
    found = [said(1, "yes", of=1), said(5, "no", of=1, reviewer="bob"), said(2, "yes", of=2)]
    counted = count_audited(found, (), limit=1)
    taken_back = said(6, None, of=1, reviewer="bob", via="volunteer")
    assert [one.id for one in counted.rows] == [2]
    assert counted.may_change(taken_back)
    assert [one.id for one in count_audited([*found, taken_back], (), limit=1).rows] == [1]


def test_the_last_key_that_was_read_may_have_others_of_its_moment_before_it() -> None:
    last = said(2, "yes", sent=(5.0, 0, 2))
    other = said(1, "yes", sent=(5.0, 0, 1))
    assert not is_enough([last], 1, count_audited([last], (), limit=1))
    assert is_enough([last, other], 3, count_audited([last, other], (), limit=1))


def test_eight_records_that_only_the_former_champion_gets_right_bring_it_back() -> None:
    assert not rollback_verdict([BETTER] * 7, threshold=20, limit=1000).rolls_back
    found = rollback_verdict([BETTER] * 50, threshold=20, limit=1000)
    assert (found.rolls_back, found.at_row, found.broken, found.fixed, found.rows) == (True, 8, 8, 0, 8)
    assert found.e == pytest.approx(1.5**8)


def test_rows_beyond_the_limit_do_not_count() -> None:
    rows = [WORSE, AnswerPair(True, True), AnswerPair(False, False)] + [BETTER] * 50
    assert rollback_verdict(rows, threshold=20, limit=12).at_row is None
    assert rollback_verdict(rows, threshold=20, limit=13).at_row == 13


@given(st.lists(st.builds(AnswerPair, st.booleans(), st.booleans()), max_size=60), st.integers(0, 60))
def test_looking_often_finds_what_looking_once_finds(rows: list[AnswerPair], looked: int) -> None:
    whole, so_far = (rollback_verdict(some, threshold=5, limit=1000) for some in (rows, rows[:looked]))
    assert so_far.rolls_back == (whole.at_row is not None and whole.at_row <= looked)
    assert whole.e == pytest.approx(1.5**whole.broken * 0.5**whole.fixed)
    assert whole.rolls_back == (whole.e >= 5)


def test_any_amount_of_evidence_gives_finite_numbers() -> None:
    found = rollback_verdict([WORSE] * 5000, threshold=20, limit=5000)
    assert (found.e, found.log_e < -3000) == (0.0, True)
    huge = rollback_verdict([BETTER] * 5000, threshold=float("inf"), limit=5000)
    assert math.isfinite(huge.e)
    assert not huge.rolls_back


@pytest.mark.parametrize("differ", [0.1, 0.4])
def test_equal_models_are_rolled_back_in_five_of_a_hundred_runs_at_most(differ: float) -> None:
    """However often one looks within 1,000 rows: the chance to reach 20 is 1 in 20 at most."""
    rng = np.random.default_rng(1)
    runs = 1500
    kinds = np.where(rng.random((runs, 1000)) < differ, rng.integers(0, 2, (runs, 1000)), 2)
    rows = [BETTER, WORSE, AnswerPair(True, True)]
    back = sum(rollback_verdict([rows[i] for i in run], threshold=20, limit=1000).rolls_back for run in kinds)
    assert 0 < back / runs <= 0.05


def test_a_champion_ten_points_worse_is_found() -> None:
    rng = np.random.default_rng(2)
    kinds = rng.choice(3, size=(200, 1000), p=[0.15, 0.05, 0.8])
    rows = [BETTER, WORSE, AnswerPair(True, True)]
    found = [rollback_verdict([rows[i] for i in run], threshold=20, limit=1000) for run in kinds]
    assert np.mean([one.rolls_back for one in found]) > 0.95
    assert np.median([one.rows for one in found]) < 150
