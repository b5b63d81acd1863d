"""What may be committed: never past a chunk that isn't done."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.worker.offset_ledger import Ledger


def test_nothing_may_be_committed_before_a_chunk_is_done() -> None:
    ledger: Ledger[int] = Ledger()
    ledger.issue({0: 10})
    assert ledger.positions() == {}


def test_a_chunk_done_out_of_turn_waits_for_those_before_it() -> None:
    ledger: Ledger[int] = Ledger()
    first, second = ledger.issue({0: 10, 1: 5}), ledger.issue({0: 20})
    ledger.done(second)
    assert ledger.positions() == {}
    ledger.done(first)
    assert ledger.positions() == {0: 20, 1: 5}


def test_a_chunk_of_a_former_assignment_changes_nothing() -> None:
    ledger: Ledger[int] = Ledger()
    old = ledger.issue({0: 10})
    ledger.new_epoch()
    ledger.done(old)
    assert ledger.positions() == {}


def test_a_forgotten_partition_begins_again_while_the_others_of_a_chunk_go_on() -> None:
    """Its topic was created again: the chunk in hand is of the former topic."""
    ledger: Ledger[int] = Ledger()
    done, in_hand = ledger.issue({0: 10, 1: 5}), ledger.issue({0: 20, 1: 8})
    ledger.done(done)
    ledger.forget(0)
    assert ledger.positions() == {1: 5}
    again = ledger.issue({0: 3})
    ledger.done(in_hand)
    assert ledger.positions() == {1: 8}
    ledger.done(again)
    assert ledger.positions() == {0: 3, 1: 8}


def test_nothing_is_committed_past_a_chunk_that_was_given_up() -> None:
    ledger: Ledger[int] = Ledger()
    given_up, next_one = ledger.issue({0: 10}), ledger.issue({0: 20})
    ledger.start(given_up)
    ledger.abandon(given_up)
    ledger.done(next_one)
    assert ledger.positions() == {}


async def test_only_started_chunks_are_waited_for() -> None:
    ledger: Ledger[int] = Ledger()
    ledger.issue({0: 10})
    assert await ledger.wait_idle(0)
    started = ledger.issue({0: 20})
    ledger.start(started)
    assert not await ledger.wait_idle(0)
    ledger.done(started)
    assert await ledger.wait_idle(0)


@given(st.lists(st.integers(1, 100), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_the_position_is_the_end_of_the_longest_finished_beginning(sizes: list[int], random: object) -> None:
    ledger: Ledger[int] = Ledger()
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
    tickets = [ledger.issue({0: end}) for end in ends]
    order = list(range(len(sizes)))
    random.shuffle(order)  # type: ignore[attr-defined]
    finished: set[int] = set()
    for i in order:
        ledger.done(tickets[i])
        finished.add(i)
        beginning = next((j for j in range(len(sizes)) if j not in finished), len(sizes))
        assert ledger.positions().get(0, 0) == (ends[beginning - 1] if beginning else 0)
