"""The partition that a block goes to."""

from __future__ import annotations

import asyncio

import pytest

from relearn.agents.availability.notices import Notices
from relearn.agents.score.block_partition import BlockPartition


class Topic:
    """A topic whose partitions an operator adds."""

    def __init__(self, partitions: int | None) -> None:
        self.partitions = partitions
        self.asked = 0

    async def count(self) -> int | None:
        self.asked += 1
        return self.partitions


class Clock:
    """The loop's time, moved by the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 100.0
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: self.now_s)


async def test_a_block_goes_to_the_partition_of_its_records() -> None:
    """The broker is asked once."""
    topic, notices = Topic(8), Notices()
    partition = BlockPartition(topic.count, notices)
    assert [await partition.of(number) for number in (7, 0, 3, 7)] == [7, 0, 3, 7]
    assert (topic.asked, notices.listed()) == (1, [])


async def test_without_an_answer_it_is_the_same_partition() -> None:
    """The producer then waits for the broker, as for every message."""
    assert await BlockPartition(Topic(None).count, Notices()).of(5) == 5


async def test_a_partition_that_predictions_lacks_leads_to_another_until_it_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Told in a notice, which any later block ends; the broker isn't asked for each block."""
    topic, notices, clock = Topic(8), Notices(), Clock(monkeypatch)
    partition = BlockPartition(topic.count, notices)
    assert [await partition.of(number) for number in (1, 9, 11, 9, 1)] == [1, 1, 3, 1, 1]
    assert topic.asked == 1
    (notice,) = notices.listed()
    assert (notice["code"], "relearn migrate" in str(notice["detail"])) == ("partitions", True)
    topic.partitions = 12
    clock.now_s += 6.0
    assert await partition.of(1) == 1
    assert notices.listed() == []
    assert [await partition.of(number) for number in (9, 11)] == [9, 11]
    assert topic.asked == 2
