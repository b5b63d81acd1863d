"""The topics of one namespace: their names, partitions, retention and compaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from relearn.schemas.settings import Settings

INGEST_MAX_BYTES = 8 * 1024 * 1024
#: A dead letter carries the original value and its own headers, so its topic's maximum exceeds that of ingest.
DEAD_LETTER_MAX_BYTES = INGEST_MAX_BYTES + 1024 * 1024
#: Maximum size of a message that any process of ours produces, whatever a topic takes.
PRODUCED_MAX_BYTES = DEAD_LETTER_MAX_BYTES + 64 * 1024
BLOCK_MAX_BYTES = 900_000
#: `max.message.bytes` of a topic that sets none, by default.
KAFKA_MAX_BYTES = 1_048_588

TopicName = Literal["ingest", "predictions", "feedback", "commands", "model-updates", "dead-letters", "results"]

_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as `relearn migrate` creates it: full name, number of partitions, configuration by Kafka's names."""

    name: str
    partitions: int
    config: dict[str, str]


def topic_name(namespace: str, topic: TopicName) -> str:
    """The full name, `relearn.ingest`."""
    return f"{namespace}.{topic}"


def topic_specs(settings: Settings) -> tuple[TopicSpec, ...]:
    """Every topic of this namespace; `results` where results are sent."""
    log_append = {"message.timestamp.type": "LogAppendTime"}
    retention = {"retention.ms": str(settings.ingest_retention_hours * _HOUR_MS)}
    forever = {"retention.ms": "-1"}

    def spec(topic: TopicName, partitions: int, config: dict[str, str]) -> TopicSpec:
        # The broker refuses a time of the sender that is more than an hour ahead of its own (Kafka's default).
        return TopicSpec(topic_name(settings.namespace, topic), partitions, {**log_append, **config})

    results = () if settings.results == "off" else (spec("results", settings.partitions, retention),)
    return (
        spec("ingest", settings.partitions, {**log_append, **retention, "max.message.bytes": str(INGEST_MAX_BYTES)}),
        spec("predictions", settings.partitions, {**log_append, **retention}),
        spec("feedback", settings.partitions, {**log_append, **forever}),
        spec("commands", 1, {**log_append, **forever}),
        spec("model-updates", 1, {"cleanup.policy": "compact", "max.message.bytes": str(INGEST_MAX_BYTES)}),
        spec(
            "dead-letters",
            settings.partitions,
            # Compressed by the broker: what its producer compressed takes the disk that it took as a message.
            {**forever, "max.message.bytes": str(DEAD_LETTER_MAX_BYTES), "compression.type": "zstd"},
        ),
        *results,
    )
