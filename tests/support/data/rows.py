"""What a test asks of the servers: rows in Postgres, offsets and messages in Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition

from relearn.agents.kafka.config import librdkafka_config
from relearn.agents.kafka.topics import admin_client
from relearn.schemas.settings import Settings
from relearn.schemas.topics import TopicName, topic_name
from tests.support.waiting import eventually

_NO_LEADER = {KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE, KafkaError._UNKNOWN_PARTITION}


def query(settings: Settings, sql: str, *arguments: Any) -> list[Any]:
    """The rows of one query on the namespace's tables."""

    async def ask() -> list[Any]:
        connection = await asyncpg.connect(
            settings.postgres_dsn, server_settings={"search_path": f'"{settings.namespace}"'}
        )
        try:
            return list(await connection.fetch(sql, *arguments))
        finally:
            await connection.close()

    return asyncio.run(ask())


def value(settings: Settings, sql: str, *arguments: Any) -> Any:
    """The one value of one query."""
    return query(settings, sql, *arguments)[0][0]


def stored(settings: Settings) -> int:
    """The number of records stored so far, by the totals."""
    return int(value(settings, "SELECT coalesce(sum(records), 0)::bigint FROM totals"))


def end_offsets(settings: Settings, topic: TopicName) -> dict[int, int]:
    """Per partition the offset after its last message."""
    name = topic_name(settings.namespace, topic)
    consumer = Consumer({**librdkafka_config(settings), "group.id": "unused"})
    found: dict[int, int] = {}

    def asked() -> bool:
        """A topic that was just made may have no leader for a moment."""
        try:
            for partition in consumer.list_topics(name, 10).topics[name].partitions:
                found[partition] = consumer.get_watermark_offsets(TopicPartition(name, partition), 10)[1]
        except KafkaException as exc:
            if not exc.args[0].retriable() and exc.args[0].code() not in _NO_LEADER:
                raise
            return False
        return True

    try:
        eventually(asked, f"no leader answers for {name}")
    finally:
        consumer.close()
    return found


def committed_offsets(settings: Settings, role: str, topic: TopicName) -> dict[int, int]:
    """Per partition the offset that the role's group has committed; 0 where none."""
    name = topic_name(settings.namespace, topic)
    wanted = [TopicPartition(name, p) for p in end_offsets(settings, topic)]
    admin = admin_client(settings)
    group = ConsumerGroupTopicPartitions(f"{settings.namespace}.{role}", wanted)
    found = next(iter(admin.list_consumer_group_offsets([group]).values())).result(30)
    return {tp.partition: max(tp.offset, 0) for tp in found.topic_partitions}


def caught_up(settings: Settings, role: str, topic: TopicName) -> bool:
    """Whether the role's group has committed everything that stands on the topic."""
    return committed_offsets(settings, role, topic) == end_offsets(settings, topic)


def messages(settings: Settings, topic: TopicName) -> Sequence[Any]:
    """Every message that stands on the topic now."""
    name = topic_name(settings.namespace, topic)
    ends = end_offsets(settings, topic)
    consumer = Consumer({**librdkafka_config(settings), "group.id": "unused", "isolation.level": "read_committed"})
    consumer.assign([TopicPartition(name, p, 0) for p in ends])
    found = []
    try:
        left = {p for p, end in ends.items() if end > 0}
        while left:
            for message in consumer.consume(1000, 0.2):
                assert message.error() is None
                found.append(message)
            left = {
                tp.partition
                for tp in consumer.position([TopicPartition(name, p) for p in left])
                if tp.offset < ends[tp.partition]
            }
    finally:
        consumer.close()
    return found
