"""Kafka requests that aiokafka lacks: topic ids in metadata and fetches.

The layouts are those of the protocol guide: Metadata 10, Fetch 13.
"""

from __future__ import annotations

import base64
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, NamedTuple, TypeVar

from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.fetch import FetchRequest, FetchRequestStruct
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactBytes,
    CompactString,
    Int8,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)

UNKNOWN_TOPIC = 3
UNKNOWN_TOPIC_ID = 100
INCONSISTENT_TOPIC_ID = 103

#: The version of Fetch in whose layout aiokafka's fetcher reads a response, and the first that names topics by id.
FETCH_BY_NAME = 11
FETCH_BY_ID = 13

T = TypeVar("T", bound=RequestStruct)

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


class NewerRequest(Request[T]):  # type: ignore[misc]
    """The request `plain`, in the newest layout of `T` where the broker knows that, as `plain` builds it elsewhere."""

    API_KEY = -1  # each subclass has its own; aiokafka requires one here, too

    def __init__(self, plain: Any) -> None:
        self._plain = plain

    def build(self, request_struct_class: type[T]) -> T:
        if request_struct_class is self._CLASSES[-1]:
            return self._newest()
        plain: T = self._plain.build(request_struct_class)
        return plain

    @abstractmethod
    def _newest(self) -> T:
        """The request in the newest layout."""


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
    API_VERSION = FETCH_BY_ID
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
    API_VERSION = FETCH_BY_ID
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


class IdentifiedFetchRequest(NewerRequest[FetchRequestStruct | FetchRequestV13]):
    """`plain` by topic id: `ids` has the id under which each partition is read. By name where the broker is too old."""

    API_KEY = 1

    def __init__(self, plain: FetchRequest, ids: Mapping[tuple[str, int], str]) -> None:
        super().__init__(plain)
        self._ids = ids

    def _newest(self) -> FetchRequestV13:
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


class FetchResponse(NamedTuple):
    """A response to a fetch as aiokafka's fetcher reads it, in the layout of version FETCH_BY_NAME."""

    API_VERSION: int
    topics: list[tuple[str, list[tuple[Any, ...]]]]


def as_by_name(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A partition in the response of version FETCH_BY_ID, in the layout of FETCH_BY_NAME: without tags."""
    *head, aborted, replica, records, _ = row
    pairs = None if aborted is None else [(producer, first) for producer, first, _ in aborted]
    return (*head, pairs, replica, records or b"")
