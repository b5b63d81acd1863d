"""Changing a topic as an operator would."""

from __future__ import annotations

from confluent_kafka import TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined] # re-exports without __all__
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from relearn.agents.kafka.topics import admin_client
from relearn.schemas.settings import Settings
from relearn.schemas.topics import TopicName, topic_name
from tests.support.waiting import eventually

_CONFIG = "max.message.bytes"


def set_max_bytes(settings: Settings, topic: TopicName, max_bytes: int) -> None:
    """Set `max.message.bytes` of a topic; returns when the broker has it."""
    entry = ConfigEntry(_CONFIG, str(max_bytes), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic_name(settings.namespace, topic), incremental_configs=[entry])
    asked = ConfigResource(ResourceType.TOPIC, topic_name(settings.namespace, topic))
    with admin_client(settings) as admin:
        for future in admin.incremental_alter_configs([resource]).values():
            future.result(30)

        def has_it() -> bool:
            return bool(admin.describe_configs([asked])[asked].result(30)[_CONFIG].value == str(max_bytes))

        eventually(has_it, f"the broker doesn't have {_CONFIG} of {topic}")


def drop_topic(settings: Settings, topic: TopicName) -> None:
    """Delete a topic."""
    with admin_client(settings) as admin:
        for future in admin.delete_topics([topic_name(settings.namespace, topic)]).values():
            future.result(30)


def delete_records(settings: Settings, topic: TopicName, partition: int, before: int) -> None:
    """Delete the records of a partition before an offset."""
    wanted = [TopicPartition(topic_name(settings.namespace, topic), partition, before)]
    with admin_client(settings) as admin:
        for future in admin.delete_records(wanted).values():
            future.result(30)
