"""From statements to labels: the last word of each reviewer, the latest of all of them, in Kafka's order."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.learning.reviews import (
    Statement,
    disputed,
    reviews,
    standing_statements,
)
from relearn.schemas.identity import Place
from tests.support.data.statements import said

spoken = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["yes", "no", "other", None]), st.sampled_from(["ann", "bob", None])),
    max_size=25,
).map(lambda rows: [said(i, label, of=of, reviewer=who) for i, (of, label, who) in enumerate(rows)])


def test_a_reviewers_last_word_counts() -> None:
    found = reviews([said(1, "yes", of=7), said(2, "no", of=7)])
    assert [(one.label, one.corrects) for one in found] == [("no", False)]


def test_the_order_is_that_of_kafka_not_of_arrival() -> None:
    """The statement that was stored first was sent last."""
    late = said(1, "late", of=7, sent=(9.0, 0, 9))
    assert [one.label for one in reviews([late, said(2, "early", of=7, sent=(8.0, 3, 1))])] == ["late"]
    same_time = [said(1, "second", of=7, sent=(8.0, 1, 5)), said(2, "first", of=7, sent=(8.0, 1, 4))]
    assert [one.label for one in reviews(same_time)] == ["second"]


def test_taking_back_leaves_the_other_reviewers_labels() -> None:
    ann, bob = said(1, "yes", of=7, reviewer="ann"), said(2, "other", of=7, reviewer="bob")
    assert [one.label for one in reviews([ann, bob])] == ["other"]
    assert [one.label for one in reviews([ann, bob, said(3, None, of=7, reviewer="bob")])] == ["yes"]
    assert reviews([ann, said(3, None, of=7, reviewer="ann")]) == []
    assert [one.label for one in reviews([ann, said(3, None, of=7, reviewer="bob")])] == ["yes"]


def test_reviewers_who_disagree_are_seen() -> None:
    ann, bob = said(1, "yes", of=7, reviewer="ann"), said(2, "no", of=7, reviewer="bob")
    assert disputed(standing_statements([ann, bob])) == [Place(0, 0, 7, 0)]
    assert disputed(standing_statements([ann, bob, said(3, "yes", of=7, reviewer="bob")])) == []
    changed = said(2, "no", of=7, reviewer="ann")
    assert disputed(standing_statements([ann, changed])) == [], "a changed label is no dispute"


@given(spoken, st.randoms(use_true_random=False))
def test_arrival_changes_nothing(statements: list[Statement], random: Random) -> None:
    """A replay, a second time over, in any order."""
    shuffled = random.sample(statements, len(statements))
    assert reviews(shuffled + shuffled) == reviews(statements)
    assert standing_statements(shuffled) == standing_statements(statements)
    assert disputed(standing_statements(shuffled)) == disputed(standing_statements(statements))


@given(spoken)
def test_there_is_one_review_per_prediction_and_it_is_the_latest_standing_statement(
    statements: list[Statement],
) -> None:
    found = {one.place: one for one in reviews(statements)}
    assert len(found) == len(reviews(statements))
    for place, review in found.items():
        assert review == max(
            (one for one in standing_statements(statements) if one.place == place), key=lambda one: one.sent
        )
    said_nothing_now = {one.place for one in statements} - found.keys()
    assert all(not [one for one in standing_statements(statements) if one.place == place] for place in said_nothing_now)
