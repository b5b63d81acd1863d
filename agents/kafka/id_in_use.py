"""A static member names its group instance in each request, and learns that another member has taken the name.

aiokafka names it at the join only. With the name in heartbeats and commits too (Heartbeat 3, OffsetCommit 7) the broker
answers FENCED_INSTANCE_ID instead of UNKNOWN_MEMBER_ID, upon which two members throw each other out without end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiokafka.protocol.api import RequestStruct, Response
from aiokafka.protocol.commit import OffsetCommitRequest, OffsetCommitRequestStruct, OffsetCommitResponse_v3
from aiokafka.protocol.group import (
    HeartbeatRequest,
    HeartbeatRequestStruct,
    HeartbeatResponse_v1,
    JoinGroupRequest,
    SyncGroupRequest,
)
from aiokafka.protocol.types import Array, Int32, Int64, Schema, String

from relearn.agents.kafka.protocol import NewerRequest

FENCED_INSTANCE = 82
_UNKNOWN_MEMBER = 25


class StaticMember:
    """aiokafka's client `client` for the coordinator of one consumer.

    `instance`: the consumer's group instance id. `member` returns the member id that the coordinator has at the time.
    `on_fenced` is called, in the thread of the caller, once another member has joined under `instance`.
    """

    def __init__(self, client: Any, instance: str, member: Callable[[], str], on_fenced: Callable[[], None]) -> None:
        self._client = client
        self._instance = instance
        self._member = member
        self._on_fenced = on_fenced

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def send(self, node_id: int, request: Any, **options: Any) -> Any:
        """Send `request` in the name of the group instance, once the consumer is a member."""
        member = self._member()
        if member and isinstance(request, HeartbeatRequest):
            request = StaticHeartbeatRequest(request, self._instance)
        elif member and isinstance(request, OffsetCommitRequest):
            request = StaticCommitRequest(request, self._instance)
        response = await self._client.send(node_id, request, **options)
        if _is_fenced(request, response):
            if member and member == self._member():
                self._on_fenced()
            _make_unknown(response)
        return response


def _is_fenced(request: Any, response: Any) -> bool:
    """Whether the broker answers that another member has joined under this member's group instance id."""
    if isinstance(request, StaticCommitRequest):
        return any(row[1] == FENCED_INSTANCE for _, rows in response.topics for row in rows)
    if isinstance(request, StaticHeartbeatRequest | JoinGroupRequest | SyncGroupRequest):
        return bool(response.error_code == FENCED_INSTANCE)
    return False


def _make_unknown(response: Any) -> None:
    """Answer UNKNOWN_MEMBER_ID instead of FENCED_INSTANCE_ID, which aiokafka doesn't know.

    The request of a member that has since been dropped for its silence is answered so, while it joins under a new
    member id: the other member with its name is itself.
    """
    if hasattr(response, "error_code"):
        response.error_code = _UNKNOWN_MEMBER
        return
    response.topics = [
        (topic, [(row[0], _UNKNOWN_MEMBER if row[1] == FENCED_INSTANCE else row[1]) for row in rows])
        for topic, rows in response.topics
    ]


class HeartbeatResponseV3(Response):  # type: ignore[misc]
    """As version 1."""

    API_KEY = 12
    API_VERSION = 3
    SCHEMA = HeartbeatResponse_v1.SCHEMA


class HeartbeatRequestV3(RequestStruct):  # type: ignore[misc]
    """A heartbeat that names the group instance."""

    API_KEY = 12
    API_VERSION = 3
    RESPONSE_TYPE = HeartbeatResponseV3
    SCHEMA = Schema(
        ("group", String("utf-8")),
        ("generation_id", Int32),
        ("member_id", String("utf-8")),
        ("group_instance_id", String("utf-8")),
    )


class StaticHeartbeatRequest(NewerRequest[HeartbeatRequestStruct | HeartbeatRequestV3]):
    """`plain` in the name of the group instance `instance`."""

    API_KEY = 12

    def __init__(self, plain: HeartbeatRequest, instance: str) -> None:
        super().__init__(plain)
        self._instance = instance

    def _newest(self) -> HeartbeatRequestV3:
        plain = self._plain
        return HeartbeatRequestV3(plain._group, plain._generation_id, plain._member_id, self._instance)


class OffsetCommitResponseV7(Response):  # type: ignore[misc]
    """As version 3."""

    API_KEY = 8
    API_VERSION = 7
    SCHEMA = OffsetCommitResponse_v3.SCHEMA


class OffsetCommitRequestV7(RequestStruct):  # type: ignore[misc]
    """A commit that names the group instance."""

    API_KEY = 8
    API_VERSION = 7
    RESPONSE_TYPE = OffsetCommitResponseV7
    SCHEMA = Schema(
        ("group", String("utf-8")),
        ("generation_id", Int32),
        ("member_id", String("utf-8")),
        ("group_instance_id", String("utf-8")),
        (
            "topics",
            Array(
                ("topic", String("utf-8")),
                (
                    "partitions",
                    Array(
                        ("partition", Int32),
                        ("offset", Int64),
                        ("leader_epoch", Int32),
                        ("metadata", String("utf-8")),
                    ),
                ),
            ),
        ),
    )


class StaticCommitRequest(NewerRequest[OffsetCommitRequestStruct | OffsetCommitRequestV7]):
    """`plain` in the name of the group instance `instance`."""

    API_KEY = 8

    def __init__(self, plain: OffsetCommitRequest, instance: str) -> None:
        super().__init__(plain)
        self._instance = instance

    def _newest(self) -> OffsetCommitRequestV7:
        plain = self._plain
        topics = [
            (topic, [(partition, offset, -1, metadata) for partition, offset, metadata in partitions])
            for topic, partitions in plain._topics
        ]
        generation, member = plain._consumer_group_generation_id, plain._consumer_id
        return OffsetCommitRequestV7(plain._consumer_group, generation, member, self._instance, topics)
