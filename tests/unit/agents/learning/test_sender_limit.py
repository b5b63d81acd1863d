"""The limit of new labels per sender: what counts now, what waits, and that nothing known is lost."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.learning.reviews import Statement, reviews
from relearn.agents.learning.sender_limit import admitted_reviews
from tests.support.data.statements import said


def _counted(statements: list[Statement], **given: Any) -> list[Statement]:
    return admitted_reviews(statements, **given).reviews


def _keys(kept: list[Statement], who: str) -> set[str]:
    return {one.key for one in kept if one.reviewer == who}


def test_a_flood_is_limited_beside_other_reviewers_and_what_is_known_stays() -> None:
    """What counts is chosen by hash: neither the first labels nor the last, and the same ones every time."""
    flood = [said(i, "yes", reviewer="bot") for i in range(100)] + [said(200, "yes", reviewer="ann")]
    kept = _counted(flood, known=frozenset(), limit=30)
    assert kept == _counted(flood[::-1], known=frozenset(), limit=30)
    assert (len(_keys(kept, "bot")), len(_keys(kept, "ann"))) == (30, 1)
    assert 5 < sum(one.id < 50 for one in kept) < 25
    more = [*flood, said(201, "no", reviewer="ann")]
    known = frozenset(one.id for one in kept)
    next_time = _counted(more, known=known, limit=30)
    assert (len(_keys(next_time, "bot")), len(_keys(next_time, "ann"))) == (60, 2)
    assert {one.id for one in kept} < {one.id for one in next_time}


def test_a_lone_source_is_not_limited() -> None:
    """A feed of outcomes is the only opinion that there is."""
    feed = [said(i, "yes", reviewer="feed") for i in range(100)]
    assert _counted(feed, known=frozenset(), limit=3) == feed


def test_beside_another_opinion_a_flood_stays_limited_when_that_is_known() -> None:
    """Else what waits of a flood would be taken as a whole as soon as no other sender has said something new."""
    flood = [said(i, "yes", reviewer="bot") for i in range(100)]
    heard_before = [said(1000, "no", reviewer="ann"), *flood]
    assert len(_counted(heard_before, known=frozenset((1000,)), limit=3)) == 4


def test_a_trusted_sender_is_not_limited_and_the_others_still_are() -> None:
    """Trust is in a sender, not in a name: another key, and feedback without one, gains nothing by using that name."""
    feed = [said(i, "yes", reviewer="feed", principal="k1") for i in range(20)]
    other_key = [said(i, "yes", reviewer="feed", principal="k2") for i in range(20, 40)]
    keyless = [said(i, "yes", reviewer="feed") for i in range(40, 60)]
    kept = _counted([*feed, *other_key, *keyless], known=frozenset(), limit=3, trusted=frozenset(["key:k1"]))
    assert Counter(one.scope for one in kept) == {"key:k1": 20, "key:k2": 3, "reviewer:feed": 3}
    by_name = _counted([*feed, *keyless], known=frozenset(), limit=3, trusted=frozenset(["reviewer:feed"]))
    assert Counter(one.scope for one in by_name) == {"key:k1": 3, "reviewer:feed": 20}


def test_a_flood_about_one_subject_is_one_label() -> None:
    """Only the latest of a key is learned from, and what is older than that costs nothing."""
    about_one = [said(i, "yes", reviewer="bot", key="same") for i in range(6)]
    others = [said(i, "yes", reviewer="bot") for i in range(10, 14)]
    ann = said(20, "no", reviewer="ann", key="same")
    kept = _counted([*about_one, *others, ann], known=frozenset(), limit=4)
    assert len(_keys(kept, "bot")) == 4
    learned = _counted([*about_one, *others, ann], known=frozenset((5,)), limit=4)
    assert _keys(learned, "bot") == {"same", *(one.key for one in others)}


#: Reviews by three senders of one name and one of another, of few keys, so that they meet; and of which a model knows.
senders = st.sampled_from([("ann", None), ("ann", "k1"), ("ann", "k2"), ("bob", "k3")])
sent_reviews = st.lists(st.tuples(st.integers(0, 9), senders), max_size=40).map(
    lambda rows: [
        said(i, "yes", key=f"key-{key}", reviewer=who, principal=principal)
        for i, (key, (who, principal)) in enumerate(rows)
    ]
)
known_ids = st.frozensets(st.integers(0, 39))
trusts = st.frozensets(st.sampled_from(["reviewer:ann", "key:k1", "key:k3"]))


def _fresh(found: list[Statement], known: frozenset[int]) -> dict[str, set[str]]:
    """The keys of each sender's new reviews: those after every known review of their key."""
    fresh: dict[str, set[str]] = {}
    for one in found:
        if one.id not in known and all(one.sent > other.sent for other in found if _knows(other, one, known)):
            fresh.setdefault(one.scope, set()).add(one.key)
    return fresh


def _knows(other: Statement, one: Statement, known: frozenset[int]) -> bool:
    return other.key == one.key and other.id in known


@given(sent_reviews, known_ids, trusts, st.integers(1, 4), st.randoms(use_true_random=False))
def test_a_limit_is_kept_by_every_untrusted_sender_and_loses_nothing_else(
    found: list[Statement], known: frozenset[int], trusted: frozenset[str], limit: int, random: Random
) -> None:
    """Whatever the order of reading. What a model knew stays, a trusted sender's keys stay, and a lone sender's."""
    kept = _counted(found, known=known, limit=limit, trusted=trusted)
    assert kept == _counted(random.sample(found, len(found)), known=known, limit=limit, trusted=trusted)
    assert kept == sorted(kept, key=lambda one: one.sent)
    assert {one.id for one in found if one.id in known} <= {one.id for one in kept} <= {one.id for one in found}
    before, after = _fresh(found, known), _fresh(kept, known)
    for scope, keys in before.items():
        free = len({one.scope for one in found}) == 1 or scope in trusted
        assert len(after[scope]) == (len(keys) if free else min(limit, len(keys)))
    lost = {one.id for one in found} - {one.id for one in kept}
    assert all(one.key in before[one.scope] - after[one.scope] for one in found if one.id in lost)


@given(sent_reviews, known_ids, trusts, st.integers(1, 4))
def test_a_higher_limit_more_knowledge_and_more_trust_keep_more(
    found: list[Statement], known: frozenset[int], trusted: frozenset[str], limit: int
) -> None:
    """And each job learns something of each sender that waits, until nothing waits."""
    kept = {one.id for one in _counted(found, known=known, limit=limit, trusted=trusted)}
    assert kept <= {one.id for one in _counted(found, known=known, limit=limit + 1, trusted=trusted)}
    more = _counted(found, known=known, limit=limit, trusted=trusted | {"key:k1"})
    assert kept <= {one.id for one in more}
    for _ in range(len(found)):
        next_ids = {one.id for one in _counted(found, known=known | kept, limit=limit, trusted=trusted)}
        assert kept < next_ids or len(kept) == len(found)
        kept = next_ids
    assert len(kept) == len(found)


def test_labels_that_wait_take_nothing_from_what_is_known() -> None:
    """A flood about records that were reviewed before: until it counts, the label before it does."""
    ann = [said(i, "yes", of=i, reviewer="ann") for i in range(20)]
    flood = [said(100 + i, "other", of=i, reviewer="bot") for i in range(20)]
    more = said(200, "yes", of=50, reviewer="ann")
    known = frozenset(one.id for one in ann)
    counted, waiting, _ = admitted_reviews([*ann, *flood, more], known=known, limit=5)
    assert Counter(one.reviewer for one in counted) == {"ann": 16, "bot": 5}
    assert {one.key for one in counted} == {f"key-{i}" for i in (*range(20), 50)}
    assert [one.reviewer for one in waiting] == ["bot"] * 15


def test_a_flood_over_all_that_others_said_is_limited() -> None:
    """Else it would be the only opinion that is left, and taken as a whole."""
    ann = [said(i, "yes", of=i, reviewer="ann") for i in range(20)]
    flood = [said(100 + i, "other", of=i, reviewer="bot") for i in range(20)]
    counted, waiting, _ = admitted_reviews([*ann, *flood], known=frozenset(one.id for one in ann), limit=5)
    assert Counter(one.reviewer for one in counted) == {"ann": 15, "bot": 5}
    assert len(waiting) == 15
    counted, waiting, _ = admitted_reviews([*ann, *flood], known=frozenset(), limit=5)
    assert Counter(one.reviewer for one in waiting) == {"ann": 15, "bot": 15}
    assert _keys(counted, "ann"), "senders don't get the same keys"


def test_all_that_a_flood_says_about_one_record_waits_at_once() -> None:
    """Its last word waits, the words before it do, too, and under them is what another sender said."""
    ann = [said(i, "yes", of=i, reviewer="ann") for i in range(2)]
    flood = [said(10 + i, "other", of=i % 2, reviewer="bot") for i in range(20_000)]
    counted, waiting, _ = admitted_reviews([*ann, *flood], known=frozenset((0, 1)), limit=1)
    assert len({one.key for one in waiting}) == 1
    assert (len(waiting), [one.reviewer for one in counted]) == (10_000, ["ann", "bot"])


spoken_by_senders = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["yes", "no", None]), senders), max_size=40
).map(
    lambda rows: [
        said(i, label, of=of, reviewer=who, principal=principal) for i, (of, label, (who, principal)) in enumerate(rows)
    ]
)


@given(spoken_by_senders, known_ids, trusts, st.integers(1, 3))
def test_whatever_was_said_over_it_no_sender_exceeds_the_limit(
    statements: list[Statement], known: frozenset[int], trusted: frozenset[str], limit: int
) -> None:
    """Labels that were changed, taken back, or given in the name of another sender."""
    counted, waiting, _ = admitted_reviews(statements, known=known, limit=limit, trusted=trusted)
    waits = {one.id for one in waiting}
    assert counted == reviews(one for one in statements if one.id not in waits)
    assert not waits & known
    assert not trusted & {one.scope for one in waiting}
    if waiting:
        assert all(len(keys) <= limit for scope, keys in _fresh(counted, known).items() if scope not in trusted)


@given(spoken_by_senders, st.integers(0, 40), st.integers(1, 3), st.randoms(use_true_random=False))
def test_one_job_after_another_learns_all_and_forgets_nothing(
    statements: list[Statement], first: int, limit: int, random: Random
) -> None:
    """What a training knew is known to the next, unless it was withdrawn or replaced by a label that counts."""
    _, waiting, _ = admitted_reviews(statements[:first], known=frozenset(), limit=limit)
    known = frozenset(one.id for one in statements[:first]) - {one.id for one in waiting}
    shuffled = random.sample(statements, len(statements))
    after, late, _ = admitted_reviews(statements, known=known, limit=limit)
    assert (after, late) == admitted_reviews(shuffled, known=known, limit=limit)[:2]
    left = reviews(one for one in statements if one.id in known or one.label is None)
    assert {one.place for one in left} <= {one.place for one in after}
    for _ in range(len(statements) + 1):
        if not late:
            break
        known = frozenset(one.id for one in statements) - {one.id for one in late}
        after, still, _ = admitted_reviews(statements, known=known, limit=limit)
        assert {one.id for one in still} < {one.id for one in late}, "each job learns of what waits"
        late = still
    assert after == reviews(statements)
