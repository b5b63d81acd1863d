"""A model's accuracy by its audits alone, and how sure that is."""

from __future__ import annotations

from math import sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.learning.audit_accuracy import AuditTally, wilson_interval
from relearn.agents.learning.reviews import Statement, reviews
from tests.support.data.statements import said

#: Few records, labels and reviewers, so that they speak of the same ones again and again.
statements = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from(["yes", "no", None]),
        st.sampled_from(["ann", "bob", None]),
        st.sampled_from(["audit", "queue", "volunteer"]),
    ),
    max_size=30,
).map(
    lambda found: [
        said(number, label, of=of, reviewer=reviewer, via=via)
        for number, (of, label, reviewer, via) in enumerate(found)
    ]
)


@given(statements, st.randoms(use_true_random=False))
def test_a_tally_equals_counting_all_audit_reviews(found: list[Statement], random: Random) -> None:
    """Whatever came first: two partitions of `feedback` are read in no order."""
    random.shuffle(found)
    tally = AuditTally()
    for number, one in enumerate(found, 1):
        tally.add(one)
        audits = [review for review in reviews(found[:number]) if review.via == "audit"]
        assert (tally.n, tally.right) == (len(audits), sum(not review.corrects for review in audits))


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [
        # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_the_published_one(right: int, n: int, low: float, high: float) -> None:
    found = wilson_interval(right, n)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@given(st.integers(1, 10**7), st.data())
def test_the_interval_solves_the_score_equation(n: int, data: st.DataObject) -> None:
    """Its ends are the shares of which right / n is 1.96 standard errors away, errors by the share itself."""
    right = data.draw(st.integers(0, n))
    found = wilson_interval(right, n)
    assert found is not None
    assert 0 <= found.low <= found.share == right / n <= found.high <= 1
    for end in (found.low, found.high):
        error = sqrt(end * (1 - end) / n)
        assert abs(found.share - end) == pytest.approx(1.959963984540054 * error, rel=1e-6, abs=1e-9)


@given(st.integers(0, 10**5), st.integers(0, 10**5))
def test_right_and_wrong_are_mirrored(right: int, wrong: int) -> None:
    one, other = wilson_interval(right, right + wrong), wilson_interval(wrong, right + wrong)
    if one is None or other is None:
        assert right + wrong == 0
        return
    assert (one.low, one.high) == (pytest.approx(1 - other.high), pytest.approx(1 - other.low))


def test_without_audits_nothing_is_known() -> None:
    assert wilson_interval(0, 0) is None
    for right, n in ((1, 0), (-1, 5), (6, 5)):
        with pytest.raises(ValueError, match=f"{right} of {n}"):
            wilson_interval(right, n)
