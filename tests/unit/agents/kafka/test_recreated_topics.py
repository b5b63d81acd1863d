"""Which topic id each partition is read under, and the jumps of its offsets."""

from __future__ import annotations

import asyncio
import base64
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer.subscription_state import Assignment
from aiokafka.protocol.commit import OffsetCommitRequest, OffsetFetchRequest
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.structs import TopicPartition

from relearn.agents.kafka import recreated_topics
from relearn.agents.kafka.protocol import (
    UNKNOWN_TOPIC,
    UNKNOWN_TOPIC_ID,
    FetchRequestV13,
    IdentifiedFetchRequest,
    TopicIdsRequest,
)
from relearn.agents.kafka.recreated_topics import Jump, ReadingClient, committed_metadata, topic_id_of

A, B = TopicPartition("t", 0), TopicPartition("t", 1)
NEW_VERSIONS = {1: (4, 17), 3: (0, 13)}


def an_id(number: int) -> str:
    return base64.b64encode(bytes([number] * 16)).decode().rstrip("=")


OLD, NEW = an_id(1), an_id(250)


class Broker:
    """What a broker answers: `topics` by name, errors and ends by partition, committed offsets with metadata."""

    def __init__(self) -> None:
        self.topics: dict[str, str] = {"t": OLD}
        self.versions = dict(NEW_VERSIONS)
        self.errors: dict[tuple[str, int], int] = {}
        self.committed: dict[TopicPartition, tuple[int, str]] = {}
        self.fetched: list[dict[tuple[str, int], int]] = []
        self.answer: Any = None
        self.refreshed = 0
        self.reachable = True

    def get_random_node(self) -> int:
        return 1

    def force_metadata_update(self) -> asyncio.Future[bool]:
        self.refreshed += 1
        updated: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        updated.set_result(self.reachable)
        return updated

    async def send(self, _: int, request: Any, **__: Any) -> Any:
        if isinstance(request, TopicIdsRequest):
            rows = [
                (0 if name in self.topics else UNKNOWN_TOPIC, name, self.topics.get(name, ""), False, [0, 1])
                for name in request._topics
            ]
            return SimpleNamespace(topics=rows)
        if isinstance(request, OffsetFetchRequest):
            rows = [(tp.partition, offset, metadata, 0) for tp, (offset, metadata) in self.committed.items()]
            return SimpleNamespace(topics=[("t", rows)])
        if not isinstance(request, IdentifiedFetchRequest):
            return self.answer
        struct = request.prepare(self.versions)
        if not isinstance(struct, FetchRequestV13):
            found = [
                (name, [(p, self.errors.get((name, p), 0), 9, 9, 0, [], -1, b"") for p, *_ in rows])
                for name, rows in struct.topics
            ]
            return SimpleNamespace(API_VERSION=11, topics=found)
        self.fetched.append({(topic_id, row[0]): row[2] for topic_id, rows, _ in struct.topics for row in rows})
        known = set(self.topics.values())
        found = [
            (
                topic_id,
                [
                    (
                        row[0],
                        self.errors.get((topic_id, row[0]), 0 if topic_id in known else UNKNOWN_TOPIC_ID),
                        9,
                        8,
                        0,
                        [(5, 6, {})],
                        -1,
                        None,
                        {},
                    )
                    for row in rows
                ],
                {},
            )
            for topic_id, rows, _ in struct.topics
        ]
        return SimpleNamespace(API_VERSION=13, topics=found)


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recreated_topics, "_RETRY_S", 0.0)
    monkeypatch.setattr(recreated_topics, "_MISSING_RETRY_S", 0.0)


class Reader:
    """A client on a broker, with an assignment of two partitions at given positions."""

    def __init__(self, **positions: int) -> None:
        self.broker = Broker()
        self.assignment = Assignment([A, B])
        self.subscription = SimpleNamespace(subscription=SimpleNamespace(assignment=self.assignment))
        self.client = ReadingClient(self.broker, self.subscription)
        for name, offset in positions.items():
            self.state(int(name[1:])).seek(offset)

    def state(self, partition: int) -> Any:
        return self.assignment.state_value(TopicPartition("t", partition))

    async def fetch(self) -> dict[int, tuple[Any, ...]]:
        """One fetch of all partitions with a position; the response by partition."""
        rows = [(p, self.state(p).position, 1000) for p in (0, 1) if self.state(p).has_valid_position]
        response = await self.client.send(1, FetchRequest(10, 1, 1000, 1, [("t", rows)]), group=0)
        assert response.API_VERSION == 11
        return {row[0]: row for _, found in response.topics for row in found}


async def test_a_partition_is_fetched_under_its_topics_id() -> None:
    reader = Reader(p0=5, p1=7)
    found = await reader.fetch()
    assert reader.broker.fetched == [{(OLD, 0): 5, (OLD, 1): 7}]
    assert found[0] == (0, 0, 9, 8, 0, [(5, 6)], -1, b"")
    assert reader.client.ids == {A: OLD, B: OLD}
    assert reader.client.take_jumps() == []


async def test_a_topic_made_again_is_read_from_its_beginning() -> None:
    """The fetch under the former id returns nothing, whatever the new topic holds at those offsets."""
    reader = Reader(p0=5, p1=7)
    await reader.fetch()
    reader.state(0).highwater = 9
    reader.broker.topics["t"] = NEW
    assert await reader.fetch() == {}
    assert await reader.fetch() == {}
    assert reader.client.take_jumps() == [
        Jump("t", 0, "recreated", OLD, NEW, 5, 9),
        Jump("t", 1, "recreated", OLD, NEW, 7, None),
    ]
    assert not reader.state(0).has_valid_position
    assert reader.state(0).awaiting_reset
    for partition in (0, 1):
        reader.state(partition).reset_to(0)
    assert set(await reader.fetch()) == {0, 1}
    assert reader.broker.fetched[-1] == {(NEW, 0): 0, (NEW, 1): 0}
    assert reader.client.take_jumps() == []


async def test_what_is_lost_with_a_topic_is_counted_as_far_as_known() -> None:
    assert Jump("t", 0, "recreated", OLD, NEW, 5, 9).lost == 4
    assert Jump("t", 0, "recreated", OLD, NEW, 5).lost is None
    assert Jump("t", 0, "deleted", OLD, OLD, 5, 9, 8).lost == 3
    assert Jump("t", 0, "truncated", OLD, OLD, 5, 9, 0).lost == 0


async def test_a_topic_that_is_gone_is_waited_for() -> None:
    reader = Reader(p0=5)
    await reader.fetch()
    del reader.broker.topics["t"]
    for _ in range(3):
        assert await reader.fetch() == {}
    assert reader.client.missing == {"t"}
    assert reader.broker.refreshed
    assert reader.state(0).position == 5
    reader.broker.topics["t"] = NEW
    assert await reader.fetch() == {}
    assert [jump.why for jump in reader.client.take_jumps()] == ["recreated"]
    assert reader.client.missing == frozenset()


@pytest.mark.parametrize(("resumed", "why"), [(12, "deleted"), (0, "truncated")])
async def test_a_position_out_of_range_is_told_once_it_is_known_where_reading_goes_on(resumed: int, why: str) -> None:
    reader = Reader(p0=5)
    await reader.fetch()
    reader.broker.errors[OLD, 0] = 1
    assert (await reader.fetch())[0][1] == 1
    assert reader.client.take_jumps() == []
    reader.broker.errors.clear()
    reader.state(0).await_reset(-2)
    reader.state(0).reset_to(resumed)
    await reader.fetch()
    (jump,) = reader.client.take_jumps()
    assert (jump.why, jump.position, jump.resumed) == (why, 5, resumed)


async def test_a_position_that_is_sought_again_is_no_jump() -> None:
    """Faust seeks to the committed offsets after aiokafka has begun to read from them."""
    reader = Reader(p0=5)
    reader.broker.errors[OLD, 0] = 1
    for _ in range(2):
        assert (await reader.fetch())[0][1] == 1
    assert reader.client.take_jumps() == []
    reader.broker.errors.clear()
    reader.state(0).seek(2)
    await reader.fetch()
    assert [(jump.position, jump.resumed) for jump in reader.client.take_jumps()] == [(5, 2)]


async def test_a_position_that_can_be_read_after_all_is_no_jump() -> None:
    """A leader that has caught up, say."""
    reader = Reader(p0=5)
    reader.broker.errors[OLD, 0] = 1
    await reader.fetch()
    reader.broker.errors.clear()
    await reader.fetch()
    reader.state(0).seek(6)
    await reader.fetch()
    assert reader.client.take_jumps() == []


async def test_offsets_of_a_former_topic_are_not_read_as_those_of_the_present_one() -> None:
    """A worker that was stopped meanwhile; an offset without an id was committed by another program."""
    reader = Reader()
    reader.broker.committed = {A: (500, committed_metadata(OLD)), B: (7, "")}
    reader.broker.topics["t"] = NEW
    request = OffsetFetchRequest("g", [("t", [0, 1])])
    for _ in range(2):
        response = await reader.client.send(1, request)
        assert response.topics == [("t", [(0, -1, committed_metadata(OLD), 0), (1, 7, "", 0)])]
    assert reader.client.take_jumps() == [Jump("t", 0, "recreated", OLD, NEW, 500)]
    assert reader.client.ids == {A: NEW, B: NEW}


async def test_offsets_are_kept_where_the_topic_is_gone_until_it_is_known_which_one_comes() -> None:
    reader = Reader()
    reader.broker.committed = {A: (500, committed_metadata(OLD))}
    reader.broker.topics.clear()
    await reader.client.send(1, OffsetFetchRequest("g", [("t", [0])]))
    reader.broker.topics["t"] = NEW
    reader.state(0).seek(500)
    assert await reader.fetch() == {}
    assert [jump.why for jump in reader.client.take_jumps()] == ["recreated"]


async def test_a_new_assignment_forgets_what_the_former_one_read() -> None:
    reader = Reader(p0=5)
    await reader.fetch()
    reader.broker.topics["t"] = NEW
    reader.assignment = Assignment([A, B])
    reader.subscription.subscription.assignment = reader.assignment
    reader.broker.committed = {A: (3, committed_metadata(NEW))}
    await reader.client.send(1, OffsetFetchRequest("g", [("t", [0])]))
    reader.state(0).seek(3)
    assert set(await reader.fetch()) == {0}
    assert reader.client.take_jumps() == []


async def test_a_broker_that_fetches_by_name_is_asked_for_the_id_after_each_fetch() -> None:
    reader = Reader(p0=5)
    reader.broker.versions[1] = (4, 11)
    assert set(await reader.fetch()) == {0}
    reader.broker.topics["t"] = NEW
    assert await reader.fetch() == {}
    assert await reader.fetch() == {}
    assert [jump.why for jump in reader.client.take_jumps()] == ["recreated"]


async def test_a_commit_for_a_topic_that_is_gone_is_done() -> None:
    """aiokafka would send it again until there is such a topic, and commit nothing else meanwhile."""
    reader = Reader()
    reader.broker.answer = SimpleNamespace(topics=[("t", [(0, UNKNOWN_TOPIC), (1, 16)])])
    response = await reader.client.send(1, OffsetCommitRequest("g", 1, "m", -1, [("t", [(0, 5, ""), (1, 5, "")])]))
    assert response.topics == [("t", [(0, 0), (1, 16)])]


@pytest.mark.parametrize("metadata", ["", None, "written by hand"])
def test_offsets_that_another_program_committed_have_no_id(metadata: str | None) -> None:
    assert topic_id_of(metadata) is None
    assert topic_id_of(committed_metadata(OLD)) == OLD
    assert committed_metadata(None) == ""


async def test_a_failed_update_of_metadata_is_known_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """aiokafka's fetcher requests the next one at once."""
    reader, pauses = Reader(), []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    assert await reader.client.force_metadata_update()
    monkeypatch.setattr(recreated_topics.asyncio, "sleep", pause)
    reader.broker.reachable = False
    first, second = reader.client.force_metadata_update(), reader.client.force_metadata_update()
    assert [await first, await second] == [False, False]
    assert (reader.broker.refreshed, len(pauses)) == (2, 1)
