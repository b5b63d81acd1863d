"""A static member names its group instance in each request, and learns that another member has taken the name."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.group import HeartbeatRequest

from relearn.agents.kafka.id_in_use import (
    FENCED_INSTANCE,
    HeartbeatRequestV3,
    OffsetCommitRequestV7,
    StaticCommitRequest,
    StaticHeartbeatRequest,
    StaticMember,
)

NEW_VERSIONS = {8: (2, 9), 12: (0, 4)}
HEARTBEAT = HeartbeatRequest("g", 3, "m")
COMMIT = OffsetCommitRequest("g", 3, "m", -1, [("t", [(0, 5, "x")])])


class Member:
    """A static member with the member id `id`, on a broker that gives `answer`."""

    def __init__(self) -> None:
        self.id = "m"
        self.answer: Any = SimpleNamespace(error_code=0)
        self.sent: list[Any] = []
        self.next_id: str | None = None
        self.fenced = 0
        self.client = StaticMember(self, "ns.score-1", lambda: self.id, self._note)

    def _note(self) -> None:
        self.fenced += 1

    async def send(self, _: int, request: Any, **__: Any) -> Any:
        self.sent.append(request)
        if self.next_id is not None:
            self.id = self.next_id
        return self.answer


async def test_a_static_member_names_its_instance_and_learns_that_it_is_fenced() -> None:
    member = Member()
    await member.client.send(1, HEARTBEAT)
    assert member.fenced == 0
    member.answer = SimpleNamespace(error_code=FENCED_INSTANCE)
    await member.client.send(1, HEARTBEAT)
    member.answer = SimpleNamespace(topics=[("t", [(0, FENCED_INSTANCE)])])
    await member.client.send(1, COMMIT)
    assert member.fenced == 2
    assert [type(one) for one in member.sent] == [StaticHeartbeatRequest, StaticHeartbeatRequest, StaticCommitRequest]


async def test_a_member_that_joins_again_is_not_fenced_by_itself() -> None:
    """It was silent for too long. A commit that it sends under its former member id is no sign of another worker."""
    member = Member()
    member.next_id = ""
    member.answer = SimpleNamespace(topics=[("t", [(0, FENCED_INSTANCE)])])
    assert (await member.client.send(1, COMMIT)).topics == [("t", [(0, 25)])]
    # While it has no member id it doesn't name its instance either.
    member.answer = SimpleNamespace(topics=[("t", [(0, FENCED_INSTANCE)])])
    assert (await member.client.send(1, COMMIT)).topics == [("t", [(0, FENCED_INSTANCE)])]
    assert [type(one) for one in member.sent] == [StaticCommitRequest, OffsetCommitRequest]
    assert member.fenced == 0


def test_requests_name_the_instance_where_the_broker_knows_that() -> None:
    heartbeat = StaticHeartbeatRequest(HEARTBEAT, "i")
    struct = heartbeat.prepare(NEW_VERSIONS)
    assert isinstance(struct, HeartbeatRequestV3)
    assert struct.group_instance_id == "i"
    assert heartbeat.prepare({12: (0, 1)}).API_VERSION == 1
    commit = StaticCommitRequest(COMMIT, "i")
    struct = commit.prepare(NEW_VERSIONS)
    assert isinstance(struct, OffsetCommitRequestV7)
    assert struct.topics == [("t", [(0, 5, -1, "x")])]
    assert commit.prepare({8: (2, 3)}).topics == [("t", [(0, 5, "x")])]
