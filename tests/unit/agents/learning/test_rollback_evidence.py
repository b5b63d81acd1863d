"""Audited records that count for going back, and what can change which they are."""

from __future__ import annotations

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.learning.reviews import UNBIASED, Statement
from relearn.agents.learning.rollback_evidence import audited, count, is_enough
from relearn.schemas.messages.feedback import Via
from tests.support.data.statements import said

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
    counted = count(before, trained_on, limit=limit)
    dull = [one for one in later if one.key in trained_on or not counted.is_news(one)]
    assert audited([*before, *dull], trained_on)[:limit] == counted.rows


@given(_statements(), st.integers(1, 6), st.integers(1, 3), st.sets(st.just("key-0")))
def test_what_is_enough_counts_as_everything_does(
    found: list[Statement], keys: int, limit: int, trained_on: set[str]
) -> None:
    """Which of those that were audited at the same time are first, nobody says."""
    by_audit = sorted((one for one in found if one.via in UNBIASED), key=lambda one: (one.sent[0], -one.sent[2]))
    first = list(dict.fromkeys(one.key for one in by_audit))[:keys]
    read = [one for one in found if one.key in first]
    counted = count(read, trained_on, limit=limit)
    assert not is_enough(read, keys, counted) or counted == count(found, trained_on, limit=limit)


def test_until_enough_is_audited_every_audit_is_news() -> None:
    counted = count([said(1, "yes")], (), limit=2)
    assert counted.is_news(said(2, "yes"))
    assert not counted.is_news(said(2, "yes", via="queue"))


def test_once_enough_is_audited_only_what_is_said_of_that_is_news() -> None:
    """Or was said before it, and stored later."""
    counted = count([said(2, "yes"), said(3, "no")], (), limit=2)
    assert not counted.is_news(said(4, "yes"))
    assert counted.is_news(said(4, None, of=3, via="volunteer"))
    assert counted.is_news(said(1, "yes"))


def test_a_review_that_a_later_one_hides_may_come_back() -> None:
    """It is among the first once that is taken back."""
    found = [said(1, "yes", of=1), said(5, "no", of=1, reviewer="bob"), said(2, "yes", of=2)]
    counted = count(found, (), limit=1)
    taken_back = said(6, None, of=1, reviewer="bob", via="volunteer")
    assert [one.id for one in counted.rows] == [2]
    assert counted.is_news(taken_back)
    assert [one.id for one in count([*found, taken_back], (), limit=1).rows] == [1]


def test_the_last_key_that_was_read_may_have_others_of_its_moment_before_it() -> None:
    last = said(2, "yes", sent=(5.0, 0, 2))
    other = said(1, "yes", sent=(5.0, 0, 1))
    assert not is_enough([last], 1, count([last], (), limit=1))
    assert is_enough([last, other], 3, count([last, other], (), limit=1))
