"""What a test asks of the servers: rows in Postgres, offsets and messages in Kafka."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import asyncpg
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from relearn.agents.kafka.config import librdkafka_config
from relearn.schemas.settings import Settings
from relearn.schemas.topics import TopicName, topic_name
from relearn.scripts.client.committed import CommittedOffsets
from relearn.scripts.dev.bench.faults import probe
from relearn.scripts.dev.bench.faults.servers import LoopThread
from tests.support.waiting import eventually

T = TypeVar("T")


class _Asker:
    """One connection to Postgres, and clients for Kafka, kept between questions: tests poll with them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: LoopThread | None = None
        self._connection: tuple[tuple[str, str], asyncpg.Connection] | None = None
        self._admin: tuple[dict[str, Any], AdminClient] | None = None
        self._committed: tuple[Settings, CommittedOffsets] | None = None

    def query(self, settings: Settings, sql: str, *arguments: Any) -> list[Any]:
        with self._lock:
            if self._thread is None:
                self._thread = LoopThread()
            return self._thread.call(self._query(settings, sql, *arguments))

    def admin(self, settings: Settings) -> AdminClient:
        with self._lock:
            config = {**librdkafka_config(settings), "log_level": 0, "reconnect.backoff.max.ms": 200}
            if self._admin is None or self._admin[0] != config:
                self._admin = config, AdminClient(config)
            return self._admin[1]

    def committed(self, settings: Settings, group: str, places: Sequence[tuple[str, int]]) -> list[TopicPartition]:
        with self._lock:
            if self._committed is None or self._committed[0] != settings:
                self._close_committed()
                self._committed = settings, CommittedOffsets(settings)
            return self._committed[1].read(group, places, timeout_s=10)

    def _close_committed(self) -> None:
        if self._committed is not None:
            self._committed[1].close()
            self._committed = None

    def close(self) -> None:
        with self._lock:
            self._close_committed()
            if self._thread is not None:
                self._thread.call(self._disconnect())
                self._thread.close()
            self._thread = self._admin = None

    async def _query(self, settings: Settings, sql: str, *arguments: Any) -> list[Any]:
        wanted = settings.postgres_dsn, settings.namespace
        if self._connection is None or self._connection[0] != wanted or self._connection[1].is_closed():
            await self._disconnect()
            path = {"search_path": f'"{settings.namespace}"'}
            opened = await asyncpg.connect(settings.postgres_dsn, server_settings=path, statement_cache_size=0)
            self._connection = wanted, opened
        return list(await self._connection[1].fetch(sql, *arguments))

    async def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection[1].terminate()
            self._connection = None


_asker = _Asker()


def close() -> None:
    """Close what the functions of this module keep open; the next call opens it again."""
    _asker.close()


def query(settings: Settings, sql: str, *arguments: Any) -> list[Any]:
    """The rows of one query on the namespace's tables."""
    return _asker.query(settings, sql, *arguments)


def value(settings: Settings, sql: str, *arguments: Any) -> Any:
    """The one value of one query."""
    return query(settings, sql, *arguments)[0][0]


def stored(settings: Settings) -> int:
    """The number of records stored so far, by the totals."""
    return int(value(settings, "SELECT coalesce(sum(records), 0)::bigint FROM totals"))


def answered(ask: Callable[[], T]) -> T:
    """The answer of Kafka. Errors are retried: a topic that was just made, or a broker that has just come back, has no
    leader for a moment, or one of an epoch that the client doesn't know."""
    found: list[T] = []
    refusal = ""

    def asked() -> bool:
        nonlocal refusal
        try:
            found.append(ask())
        except KafkaException as exc:
            refusal = str(exc)
        return bool(found)

    eventually(asked, lambda: f"Kafka refuses: {refusal}")
    return found[0]


def end_offsets(settings: Settings, topic: TopicName) -> dict[int, int]:
    """Per partition the offset after its last message."""
    name = topic_name(settings.namespace, topic)
    admin = _asker.admin(settings)
    return answered(lambda: probe.partition_offsets(admin, name))


def committed_offsets(settings: Settings, role: str, topic: TopicName) -> dict[int, int]:
    """Per partition the offset that the role's group has committed; 0 where none."""
    name, group = topic_name(settings.namespace, topic), f"{settings.namespace}.{role}"
    places = [(name, number) for number in end_offsets(settings, topic)]
    found = answered(lambda: _asker.committed(settings, group, places))
    return {place.partition: max(place.offset, 0) for place in found}


def caught_up(settings: Settings, role: str, topic: TopicName) -> bool:
    """Whether the role's group has committed everything that stands on the topic."""
    return committed_offsets(settings, role, topic) == end_offsets(settings, topic)


def messages(settings: Settings, topic: TopicName) -> Sequence[Any]:
    """Every message that stands on the topic now."""
    name = topic_name(settings.namespace, topic)
    ends = end_offsets(settings, topic)
    if not any(ends.values()):
        return []
    consumer = Consumer({**librdkafka_config(settings), "group.id": "unused", "isolation.level": "read_committed"})
    consumer.assign([TopicPartition(name, p, 0) for p in ends])
    found = []
    try:
        left = {p for p, end in ends.items() if end > 0}
        while left:
            for message in consumer.consume(1000, 0.2):
                if (error := message.error()) is None:
                    found.append(message)
                else:
                    assert not error.fatal(), error
            left = {
                tp.partition
                for tp in consumer.position([TopicPartition(name, p) for p in left])
                if tp.offset < ends[tp.partition]
            }
    finally:
        consumer.close()
    return found
