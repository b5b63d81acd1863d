"""Topics that a test deletes and makes again, and records that it deletes."""

from __future__ import annotations

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined] # re-exports without __all__
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from relearn.agents.kafka.config import librdkafka_config
from relearn.schemas.settings import Settings
from relearn.schemas.topics import TopicName, topic_name, topic_specs
from tests.support.waiting import eventually


class Topic:
    """One topic of a namespace, as an operator or another program sees it."""

    def __init__(self, settings: Settings, topic: TopicName) -> None:
        self.name = topic_name(settings.namespace, topic)
        self._settings = settings
        (self._spec,) = [spec for spec in topic_specs(settings) if spec.name == self.name]
        self._admin = AdminClient({**librdkafka_config(settings), "log_level": 0})

    @property
    def id(self) -> str | None:
        """Kafka's id of it; None where there is none."""
        try:
            described = self._admin.describe_topics(TopicCollection([self.name]))[self.name].result(30)
        except KafkaException as exc:
            assert exc.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART, exc
            return None
        return str(described.topic_id)

    def delete(self) -> None:
        self._admin.delete_topics([self.name])[self.name].result(30)
        eventually(lambda: self.id is None, f"{self.name} is still there")

    def make(self, partitions: int | None = None) -> None:
        new = NewTopic(self.name, num_partitions=partitions or self._spec.partitions, config=self._spec.config)

        def made() -> bool:
            try:
                self._admin.create_topics([new])[self.name].result(30)
            except KafkaException as exc:
                assert exc.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS, exc
                return False  # not gone yet
            return True

        eventually(made, f"{self.name} could not be made")
        eventually(lambda: self.id is not None, f"{self.name} never came")

    def make_again(self, partitions: int | None = None) -> None:
        """Delete it, and make another of its name."""
        self.delete()
        self.make(partitions)

    def configure(self, name: str, value: str) -> None:
        """Change one of its settings."""
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        wanted = ConfigResource(ResourceType.TOPIC, self.name, incremental_configs=[entry])
        for future in self._admin.incremental_alter_configs([wanted]).values():
            future.result(30)

    def delete_records(self, **before: int) -> None:
        """Delete the records of partition n below an offset: `p0=10`."""
        wanted = [TopicPartition(self.name, int(name[1:]), offset) for name, offset in before.items()]
        for future in self._admin.delete_records(wanted).values():
            future.result(30)

    def commit(self, role: str, **offsets: int) -> None:
        """Set offsets of a role's group, once it has no member: `p0=10`. A member that ended is one for seconds."""
        wanted = [TopicPartition(self.name, int(name[1:]), offset) for name, offset in offsets.items()]
        group = ConsumerGroupTopicPartitions(f"{self._settings.namespace}.{role}", wanted)

        def committed() -> bool:
            (future,) = self._admin.alter_consumer_group_offsets([group]).values()
            return all(one.error is None for one in future.result(30).topic_partitions)

        eventually(committed, f"the offsets of {role} could not be set")

    def send(self, partition: int, *values: bytes | None, **config: object) -> None:
        """Return once the broker has acknowledged all of them."""
        producer = Producer({**librdkafka_config(self._settings), "acks": "all", **config})
        refused: list[object] = []
        for item in values:
            producer.produce(
                self.name,
                item,
                partition=partition,
                on_delivery=lambda error, _: refused.append(error) if error else None,
            )
        assert producer.flush(30) == 0
        assert refused == []
