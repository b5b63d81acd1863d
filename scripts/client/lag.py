"""The lag of each consumer group: committed offsets against the ends of the topics, from Kafka."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import (
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined] # re-exports without __all__

from relearn.agents.driver_errors.kafka import kafka_error
from relearn.agents.kafka.admin import Admin
from relearn.agents.kafka.recreated_topics import topic_id_of
from relearn.schemas.errors import SetupError
from relearn.schemas.settings import Settings
from relearn.schemas.topics import TopicName, topic_name
from relearn.scripts.client.committed import CommittedOffsets

TIMEOUT_S = 5.0
#: A broker that has just started needs time to load its groups' topic.
START_TIMEOUT_S = 15.0
RETRY_S = 0.2
#: What each role's group reads.
READS: dict[str, tuple[TopicName, ...]] = {
    "score": ("ingest",),
    "store": ("predictions", "dead-letters"),
    "feedback": ("feedback",),
    "retrain": ("commands",),
    "results": ("predictions",),
}

Place = tuple[str, int]

_STARTING = {
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError._NOENT,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
}


@dataclass(frozen=True, slots=True)
class Lag:
    """One partition as one group sees it, in messages. `committed` is None before the group's first commit.

    `end` is the end of what the group reads. `held` messages follow it, behind an open transaction.
    """

    group: str
    topic: str
    partition: int
    committed: int | None
    end: int
    lag: int
    held: int = 0


async def read_lag(admin: Admin, settings: Settings) -> list[Lag]:
    """Every partition of every group of the namespace.

    Raises:
        KafkaUnavailable: no broker answers.
        SetupError: the topics don't exist.
    """
    reads = {role: topics for role, topics in READS.items() if role != "results" or settings.results != "off"}
    names = [topic_name(settings.namespace, topic) for topics in reads.values() for topic in topics]
    places = await partitions(admin, dict.fromkeys(names))
    begins = await offsets(admin, places, end=False)
    ends = await offsets(admin, places, end=True)
    stable = await offsets(admin, places, end=True, committed=settings.kafka_isolation == "read_committed")
    ids = await topic_ids(admin, set(names))
    found = []
    with CommittedOffsets(settings) as committed:
        for role, topics in reads.items():
            group = f"{settings.namespace}.{role}"
            own = [place for place in places if place[0] in {topic_name(settings.namespace, topic) for topic in topics}]
            positions = await _committed(committed, group, own, ids)
            for place in own:
                at, end = positions.get(place), min(stable[place], ends[place])
                behind = max(0, end - max(begins[place], at or 0))
                found.append(Lag(group, *place, at, end, behind, ends[place] - end))
    return found


async def partitions(admin: Admin, topics: Iterable[str]) -> list[Place]:
    """Every partition of `topics`, in order.

    Raises:
        KafkaUnavailable: no broker answers.
        SetupError: a topic doesn't exist.
    """
    known = (await admin.metadata(TIMEOUT_S)).topics
    missing = [topic for topic in topics if topic not in known]
    if missing:
        raise SetupError(f"there is no topic {missing[0]}: run `relearn migrate`, or `relearn up`, first")
    return [(topic, number) for topic in topics for number in sorted(known[topic].partitions)]


async def offsets(admin: Admin, places: Iterable[Place], *, end: bool, committed: bool = False) -> dict[Place, int]:
    """Where each partition ends (the next message's offset), or begins; `committed`: without open transactions.

    Raises:
        KafkaUnavailable: no broker answers.
    """
    spec: Any = OffsetSpec.latest() if end else OffsetSpec.earliest()  # type: ignore[no-untyped-call]
    asked = {TopicPartition(*place): spec for place in places}
    isolation = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
    futures = admin.list_offsets(asked, isolation_level=isolation, request_timeout=TIMEOUT_S)
    return {(place.topic, place.partition): (await _answer(admin, future)).offset for place, future in futures.items()}


async def topic_ids(admin: Admin, topics: Iterable[str]) -> dict[str, str]:
    """Kafka's id of each topic.

    Raises:
        KafkaUnavailable: no broker answers.
    """
    futures = admin.describe_topics(TopicCollection(list(topics)), request_timeout=TIMEOUT_S)
    return {topic: str((await _answer(admin, future)).topic_id) for topic, future in futures.items()}


async def _committed(
    committed: CommittedOffsets, group: str, places: Sequence[Place], ids: Mapping[str, str]
) -> dict[Place, int]:
    """The offsets that the group committed for the topics with these ids, not for former ones of the same name."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            found = await asyncio.to_thread(committed.read, group, places, timeout_s=TIMEOUT_S)
        except KafkaException as exc:
            error = exc.args[0]
            if error.code() not in _STARTING or time.monotonic() > deadline:
                raise kafka_error(error, f"Kafka doesn't return the offsets of group {group}") from exc
            await asyncio.sleep(RETRY_S)
        else:
            return {
                (tp.topic, tp.partition): tp.offset
                for tp in found
                if tp.offset >= 0 and topic_id_of(tp.metadata) in {None, ids[tp.topic]}
            }


async def _answer(admin: Admin, future: Any) -> Any:
    try:
        return await admin.available(future)
    except KafkaException as exc:
        raise kafka_error(exc.args[0]) from exc
