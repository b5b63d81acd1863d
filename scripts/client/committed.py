"""The offsets that consumer groups have committed, read by consumers that join no group.

librdkafka 2.16 has the same for its admin client. With that, a process ended by a segmentation fault now and then while
the broker started (`rd_kafka_cgrp_op` below `ListConsumerGroupOffsetsResponse_parse`: an answer that asks for a retry
refers to the group of a consumer, which an admin client doesn't have), and twice by an assertion.
"""

from __future__ import annotations

from collections.abc import Iterable

from confluent_kafka import Consumer, KafkaException, TopicPartition

from relearn.agents.kafka.config import librdkafka_config
from relearn.schemas.settings import Settings


class CommittedOffsets:
    """A consumer per group, connected at the first call. For one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        self._config = {**librdkafka_config(settings), "log_level": 0, "reconnect.backoff.max.ms": 200}
        self._consumers: dict[str, Consumer] = {}

    def __enter__(self) -> CommittedOffsets:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, group: str, places: Iterable[tuple[str, int]], *, timeout_s: float) -> list[TopicPartition]:
        """What `group` has committed of each place, topic and partition; the offset is negative where it is nothing.

        Raises:
            KafkaException: no answer within `timeout_s`, or a refusal.
        """
        wanted = [TopicPartition(*place) for place in places]
        if not wanted:
            return []
        if group not in self._consumers:
            self._consumers[group] = Consumer({**self._config, "group.id": group, "enable.auto.commit": False})
        found = self._consumers[group].committed(wanted, timeout=timeout_s)
        for place in found:
            if place.error is not None:
                raise KafkaException(place.error)
        return found

    def close(self) -> None:
        """Disconnect."""
        for consumer in self._consumers.values():
            consumer.close()
        self._consumers.clear()
