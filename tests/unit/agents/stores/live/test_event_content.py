"""Events made few: nothing is lost by it, wherever a client goes on from."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.stores.feedback.corrections import Recorded
from relearn.agents.stores.live.event_content import (
    MOST_BATCHES,
    MOST_EVENTS,
    batch_event,
    correction_events,
    merge_batch_events,
)
from relearn.agents.stores.live.events import Entry, order
from relearn.agents.stores.live.layout import Changes
from relearn.agents.stores.predictions.totals import BatchTotal
from relearn.api.events.merge import encode_events, merge_events
from relearn.schemas.http.events import BatchEvent
from relearn.schemas.identity import Place

HISTORIES = st.lists(st.sampled_from(["batch a", "batch b", "correction", "job", "reset", "else"]), max_size=30)


def history(kinds: list[str]) -> list[Entry]:
    """A stream of events; a batch's number is its position in the stream."""
    entries = []
    for number, kind in enumerate(kinds):
        name, _, batch = kind.partition(" ")
        data = batch_event(Changes(batches=[BatchTotal(batch, number, 0.0, number)])) if batch else {"n": number}
        entries.append(Entry(f"1-{number}", name, msgspec.json.encode(data).decode()))
    return entries


def known(entries: list[Entry]) -> tuple[dict[str, int], set[str]]:
    """The state of a client that received these: the largest number of each batch, and every other event."""
    batches: dict[str, int] = {}
    for one in entries:
        if one.type == "batch":
            for batch in msgspec.json.decode(one.data, type=BatchEvent).batches:
                batches[batch.batch] = max(batches.get(batch.batch, 0), batch.records)
    return batches, {one.data for one in entries if one.type in {"correction", "job"}}


@given(HISTORIES)
def test_together_they_say_the_same_in_order_and_with_one_batch_at_most(kinds: list[str]) -> None:
    entries = history(kinds)
    found = merge_events(entries, (7, 1))
    assert known(found) == known(entries)
    assert [order(one.id) for one in found] == sorted(order(one.id) for one in found)
    assert sum(one.type == "batch" for one in found) == any(one.type == "batch" for one in entries)
    assert sum(one.type == "reset" for one in found) == any(one.type == "reset" for one in entries)
    assert not any(one.type == "else" for one in found)


@given(HISTORIES, st.integers(0, 30))
def test_whoever_breaks_off_anywhere_and_goes_on_there_knows_all(kinds: list[str], read: int) -> None:
    entries = history(kinds)
    first = merge_events(entries, None)[:read]
    rest = [one for one in entries if not first or order(one.id) > order(first[-1].id)]
    assert known(first + merge_events(rest, None)) == known(entries)


def test_what_cannot_be_read_or_would_break_the_stream_is_left_out() -> None:
    bad = [
        Entry("1-0", "batch", "{"),
        Entry("1-1", "job", "{}\n\nevent: model"),
        Entry("1-2", "", ""),
        Entry("1-3", "job", "{}"),
    ]
    assert merge_events(bad, None) == [bad[-1]]


def test_a_batch_event_tells_the_latest_batches_and_counts_the_others() -> None:
    totals = [BatchTotal(f"b{n}", 1, n, n) for n in range(MOST_BATCHES + 20)]
    one = batch_event(Changes(batches=totals))
    assert ([batch.batch for batch in one.batches], one.more) == ([f"b{n}" for n in range(69, 19, -1)], 20)
    both = merge_batch_events(
        [one, batch_event(Changes(batches=[BatchTotal("b69", 9, 69, 70), BatchTotal("c", 1, 80, 80)]))]
    )
    assert [(batch.batch, batch.records) for batch in both.batches[:2]] == [("c", 1), ("b69", 9)]
    assert (len(both.batches), both.more) == (MOST_BATCHES, 21)


def test_of_many_corrections_at_once_the_last_is_told_with_the_number_of_the_others() -> None:
    rows = [
        Recorded(f"f{n}", "1" if n % 2 else None, "0", "ann", "audit", Place(0, 1, n, 0))
        for n in range(MOST_EVENTS + 1)
    ]
    each = correction_events(rows[:-1])
    assert [(one.prediction, one.corrects, one.more) for one in each[:2]] == [("1-0-0", False, 0), ("1-1-0", True, 0)]
    assert len(each) == MOST_EVENTS
    assert [(one.feedback, one.more) for one in correction_events(rows)] == [(f"f{MOST_EVENTS}", MOST_EVENTS)]


def test_types_that_nobody_asked_for_are_not_written() -> None:
    entries = history(["batch a", "job", "reset"])
    assert (
        encode_events(entries, frozenset(("job",)))
        == b'id: 1-1\nevent: job\ndata: {"n":1}\n\nid: 1-2\nevent: reset\ndata: {"n":2}\n\n'
    )
