"""Kafka requests that aiokafka lacks: topic ids in metadata and fetches, and the group instance in each request.

The layouts are those of the protocol guide: Metadata 10, Fetch 13, Heartbeat 3, OffsetCommit 7. The last two name the
group instance, so that the broker answers FENCED_INSTANCE_ID where another member has taken the name.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.commit import OffsetCommitRequest, OffsetCommitRequestStruct, OffsetCommitResponse_v3
from aiokafka.protocol.fetch import FetchRequest, FetchRequestStruct
from aiokafka.protocol.group import HeartbeatRequest, HeartbeatRequestStruct, HeartbeatResponse_v1
from aiokafka.protocol.types import (
    Array,
    Boolean,
    CompactArray,
    CompactBytes,
    CompactString,
    Int8,
    Int16,
    Int32,
    Int64,
    Schema,
    String,
    TaggedFields,
)

UNKNOWN_TOPIC = 3
FENCED_INSTANCE = 82
UNKNOWN_TOPIC_ID = 100
INCONSISTENT_TOPIC_ID = 103

_NO_TAGS: dict[int, bytes] = {}
_NO_ID = base64.b64encode(bytes(16)).decode().rstrip("=")


class Uuid(AbstractType[str]):  # type: ignore[misc]
    """A topic id as confluent-kafka prints it: base64 without padding. Kafka's own tools print `-_` for `+/`."""

    @classmethod
    def encode(cls, value: str) -> bytes:
        return base64.b64decode(value + "==")

    @classmethod
    def decode(cls, data: BytesIO) -> str:
        return base64.b64encode(data.read(16)).decode().rstrip("=")


class MetadataResponseV10(Response):  # type: ignore[misc]
    """Topics with their ids."""

    API_KEY = 3
    API_VERSION = 10
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString()),
                ("port", Int32),
                ("rack", CompactString()),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString()),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", CompactString()),
                ("topic_id", Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("operations", Int32),
        ("tags", TaggedFields),
    )


class MetadataRequestV10(RequestStruct):  # type: ignore[misc]
    """Asks for topics by name, without creating them."""

    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 10
    RESPONSE_TYPE = MetadataResponseV10
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", Uuid), ("name", CompactString()), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_operations", Boolean),
        ("include_topic_operations", Boolean),
        ("tags", TaggedFields),
    )


class TopicIdsRequest(Request[MetadataRequestV10]):  # type: ignore[misc]
    """Asks for the ids of topics."""

    API_KEY = 3

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[MetadataRequestV10]) -> MetadataRequestV10:
        named = [(_NO_ID, topic, _NO_TAGS) for topic in self._topics]
        return request_struct_class(named, False, False, False, _NO_TAGS)


class FetchResponseV13(Response):  # type: ignore[misc]
    """Records by topic id."""

    API_KEY = 1
    API_VERSION = 13
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("session_id", Int32),
        (
            "topics",
            CompactArray(
                ("topic_id", Uuid),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("error_code", Int16),
                        ("highwater", Int64),
                        ("last_stable_offset", Int64),
                        ("log_start_offset", Int64),
                        (
                            "aborted_transactions",
                            CompactArray(("producer_id", Int64), ("first_offset", Int64), ("tags", TaggedFields)),
                        ),
                        ("preferred_read_replica", Int32),
                        ("records", CompactBytes),
                        ("tags", TaggedFields),
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class FetchRequestV13(RequestStruct):  # type: ignore[misc]
    """Fetches by topic id instead of by name."""

    FLEXIBLE_VERSION = True
    API_KEY = 1
    API_VERSION = 13
    RESPONSE_TYPE = FetchResponseV13
    SCHEMA = Schema(
        ("replica_id", Int32),
        ("max_wait_ms", Int32),
        ("min_bytes", Int32),
        ("max_bytes", Int32),
        ("isolation_level", Int8),
        ("session_id", Int32),
        ("session_epoch", Int32),
        (
            "topics",
            CompactArray(
                ("topic_id", Uuid),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("current_leader_epoch", Int32),
                        ("fetch_offset", Int64),
                        ("last_fetched_epoch", Int32),
                        ("log_start_offset", Int64),
                        ("max_bytes", Int32),
                        ("tags", TaggedFields),
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("forgotten", CompactArray(("topic_id", Uuid), ("partitions", CompactArray(Int32)), ("tags", TaggedFields))),
        ("rack_id", CompactString()),
        ("tags", TaggedFields),
    )


class IdentifiedFetchRequest(Request[FetchRequestStruct | FetchRequestV13]):  # type: ignore[misc]
    """`plain` by topic id: `ids` has the id under which each partition is read. By name where the broker is too old."""

    API_KEY = 1

    def __init__(self, plain: FetchRequest, ids: Mapping[tuple[str, int], str]) -> None:
        self._plain = plain
        self._ids = ids

    def build(
        self, request_struct_class: type[FetchRequestStruct | FetchRequestV13]
    ) -> FetchRequestStruct | FetchRequestV13:
        if request_struct_class is not FetchRequestV13:
            return self._plain.build(request_struct_class)
        plain = self._plain
        by_id: dict[str, list[tuple[Any, ...]]] = {}
        for topic, partitions in plain.topics:
            for partition, offset, max_bytes in partitions:
                row = (partition, -1, offset, -1, -1, max_bytes, _NO_TAGS)
                by_id.setdefault(self._ids[topic, partition], []).append(row)
        return FetchRequestV13(
            -1,
            plain._max_wait_ms,
            plain._min_bytes,
            plain._max_bytes,
            plain._isolation_level,
            0,
            -1,
            [(topic_id, rows, _NO_TAGS) for topic_id, rows in by_id.items()],
            [],
            plain._rack_id or "",
            _NO_TAGS,
        )


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


class StaticHeartbeatRequest(Request[HeartbeatRequestStruct | HeartbeatRequestV3]):  # type: ignore[misc]
    """`plain` in the name of the group instance `instance`."""

    API_KEY = 12

    def __init__(self, plain: HeartbeatRequest, instance: str) -> None:
        self._plain = plain
        self._instance = instance

    def build(
        self, request_struct_class: type[HeartbeatRequestStruct | HeartbeatRequestV3]
    ) -> HeartbeatRequestStruct | HeartbeatRequestV3:
        if request_struct_class is not HeartbeatRequestV3:
            return self._plain.build(request_struct_class)
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


class StaticCommitRequest(Request[OffsetCommitRequestStruct | OffsetCommitRequestV7]):  # type: ignore[misc]
    """`plain` in the name of the group instance `instance`."""

    API_KEY = 8

    def __init__(self, plain: OffsetCommitRequest, instance: str) -> None:
        self._plain = plain
        self._instance = instance

    def build(
        self, request_struct_class: type[OffsetCommitRequestStruct | OffsetCommitRequestV7]
    ) -> OffsetCommitRequestStruct | OffsetCommitRequestV7:
        if request_struct_class is not OffsetCommitRequestV7:
            return self._plain.build(request_struct_class)
        plain = self._plain
        topics = [
            (topic, [(partition, offset, -1, metadata) for partition, offset, metadata in partitions])
            for topic, partitions in plain._topics
        ]
        generation, member = plain._consumer_group_generation_id, plain._consumer_id
        return OffsetCommitRequestV7(plain._consumer_group, generation, member, self._instance, topics)
