"""A poll returns a bounded size over all partitions, and nothing is lost between polls."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from relearn.agents.fetch import bounded_fetch
from relearn.agents.fetch.batches import Batches
from relearn.agents.fetch.bounded_fetch import _FetchResult, _PartitionRecords, one_poll
from tests.support.data.batches import batch_of


class Assignment:
    """One active assignment; each partition's position is what its state was moved to."""

    active = True

    def __init__(self) -> None:
        self._states: dict[TopicPartition, Any] = {}

    def state_value(self, tp: TopicPartition) -> Any:
        if tp not in self._states:
            state = SimpleNamespace(paused=False, position=0)
            state.consumed_to = lambda position: setattr(state, "position", position)
            self._states[tp] = state
        return self._states[tp]


def fetched(assignment: Assignment, tp: TopicPartition, sizes: list[int]) -> Any:
    rows = [(b"k" * (size % 7), bytes(size), [("h", b"v")]) for size in sizes]
    records = _PartitionRecords(tp, Batches(batch_of(rows, 4)), [], 0, None, None, True, 0)
    return _FetchResult(tp, partition_records=records, assignment=assignment, backoff=0)


@hypothesis_settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(0, 3000), min_size=1, max_size=20), min_size=1, max_size=4), st.integers(1, 5))
def test_polls_are_bounded_and_complete(partitions: list[list[int]], max_records: int) -> None:
    assignment = Assignment()
    tps = [TopicPartition("t", number) for number in range(len(partitions))]
    results = {tp: fetched(assignment, tp, sizes) for tp, sizes in zip(tps, partitions, strict=True)}
    seen: dict[TopicPartition, list[int]] = {tp: [] for tp in tps}
    limit = 4000
    before, bounded_fetch.POLL_BYTES = bounded_fetch.POLL_BYTES, limit
    try:
        while any(result.has_more() for result in results.values()):
            sizes = []
            with one_poll():
                for tp, result in results.items():
                    found = result.getall(max_records) if result.has_more() else []
                    assert len(found) <= max_records
                    seen[tp] += [message.offset for message in found]
                    sizes += [len(message.value) for message in found]
            assert sum(sizes[:-1]) < limit
            for tp in tps:
                assert assignment.state_value(tp).position == len(seen[tp])
    finally:
        bounded_fetch.POLL_BYTES = before
    assert {tp: list(range(len(sizes))) for tp, sizes in zip(tps, partitions, strict=True)} == seen
