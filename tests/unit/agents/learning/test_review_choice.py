"""Which record a reviewer is asked about next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.learning.review_choice import Candidate, certainty, choose, share_under_drift
from relearn.schemas.identity import Place

floats = st.floats(-1e6, 1e6)
shares = st.floats(0, 1)
drifted = st.lists(st.text(min_size=1), min_size=1)


def candidates(certainties: Sequence[float], disagree: Sequence[int] = (), keys: str = "") -> list[Candidate]:
    """One for each; those at positions `disagree` are what a shadow answers otherwise."""
    return [
        Candidate(Place(0, 0, i, 0), keys[i] if keys else f"k{i}", (), "a", one, i in disagree)
        for i, one in enumerate(certainties)
    ]


def chosen(found: list[Candidate], share: float = 0.0, seed: int = 0, taken: frozenset[str] = frozenset()) -> str:
    """Position and via."""
    choice = choose(found, taken=taken, audit_share=share, rng=np.random.default_rng(seed))
    assert choice is not None
    return f"{choice.candidate.place.offset} {choice.via}"


def test_the_least_certain_is_chosen_and_the_first_of_equals() -> None:
    assert chosen(candidates([0.9, 0.6, 0.8])) == "1 queue"
    assert chosen(candidates([0.9, 0.6, 0.6])) == "1 queue"


def test_disagreements_come_first_in_no_order() -> None:
    """The least certain of them would be those where the champion is wrong."""
    found = candidates([0.5, 0.9, 0.99, 0.6], disagree=[1, 2])
    assert {chosen(found, seed=seed) for seed in range(20)} == {"1 disagree", "2 disagree"}


def test_an_audit_asks_about_any_record_alike() -> None:
    """Whatever the models say of it, and however many are about the same thing."""
    found = candidates([0.1, 0.9, 0.9, 0.9], disagree=[1], keys="abbc")
    counts = Counter(chosen(found, share=1.0, seed=seed) for seed in range(4000))
    assert counts.keys() == {f"{i} audit" for i in range(4)}
    assert min(counts.values()) > 900


def test_the_share_of_audits_is_the_given_one() -> None:
    rng = np.random.default_rng(1)
    found = candidates([0.1, 0.9])
    drawn = [choose(found, taken=(), audit_share=0.2, rng=rng) for _ in range(5000)]
    assert sum(one is not None and one.via == "audit" for one in drawn) / 5000 == pytest.approx(0.2, abs=0.02)


def test_near_duplicates_wait_until_nothing_else_is_left() -> None:
    found = candidates([0.1, 0.9, 0.5], disagree=[0])
    assert chosen(found, taken=frozenset({"k0"})) == "2 queue"
    assert chosen(found, taken=frozenset({"k0", "k1", "k2"})) == "0 disagree"
    assert choose([], taken=(), audit_share=1.0, rng=np.random.default_rng(0)) is None


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=12), st.floats(0, 1), st.integers(0, 99))
def test_a_choice_is_one_of_the_candidates_and_has_its_via(
    given_: list[tuple[float, bool]], share: float, seed: int
) -> None:
    """The same draw gives the same choice."""
    found = candidates([one for one, _ in given_], [i for i, (_, differs) in enumerate(given_) if differs])
    first, again = (choose(found, taken=(), audit_share=share, rng=np.random.default_rng(seed)) for _ in range(2))
    assert first == again
    assert (first is None) == (not found)
    if first is not None:
        assert first.candidate in found
        assert first.via == "audit" or (first.via == "disagree") == any(differs for _, differs in given_)


@given(st.lists(floats, min_size=1, max_size=5), floats)
def test_certainty_rises_with_the_gap_and_stays_within_one(margins: list[float], more: float) -> None:
    """Two classes: away from 0. More: away from the second."""
    assert 0.5 <= certainty(None, margins) <= 1.0
    assert certainty(None, [abs(more) + 1]) >= certainty(None, [-abs(more)])
    assert certainty(None, [0.0]) == certainty(None, [3.0, 3.0, -1.0]) == 0.5
    assert certainty(0.3, margins) == 0.3


@given(shares)
def test_without_drift_the_audit_share_is_the_base(base: float) -> None:
    assert share_under_drift(base, ()) == base


@given(st.floats(0, 0.5), drifted)
def test_drift_raises_the_audit_share_to_half(base: float, names: list[str]) -> None:
    assert share_under_drift(base, names) == 0.5


@given(st.floats(0.5, 1), drifted)
def test_drift_never_lowers_the_audit_share(base: float, names: list[str]) -> None:
    assert share_under_drift(base, names) == base
