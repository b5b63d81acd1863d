"""Questions to Kafka and Postgres, past the proxies: offsets, topic ids, rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import asyncpg
from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined] # re-exports without __all__

from relearn.agents.kafka.config import librdkafka_config
from relearn.agents.stores.postgres import quoted
from relearn.schemas.settings import Settings
from relearn.schemas.topics import TopicName, TopicSpec, topic_name
from relearn.scripts.client.committed import CommittedOffsets
from relearn.scripts.dev.bench.faults.servers import LoopThread

T = TypeVar("T")
#: Kafka may be starting; a condition that isn't met within this time is a failure.
DEADLINE_S = 120.0
_PAUSE_S = 0.1


class NeverHappened(Exception):
    """A condition was not met within its deadline."""


def until(condition: Callable[[], bool], what: Callable[[], str] | str, deadline_s: float = DEADLINE_S) -> float:
    """Wait for a condition; the seconds that it took.

    Raises:
        NeverHappened: not within the deadline.
    """
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > deadline_s:
            raise NeverHappened(f"{what() if callable(what) else what} (within {deadline_s:.0f} s)")
        time.sleep(_PAUSE_S)
    return time.monotonic() - began


def partition_offsets(admin: AdminClient, name: str, spec: OffsetSpec | None = None) -> dict[int, int]:
    """Per partition of the topic `name` the offset that `spec` names; without: the one after the last message.

    Raises:
        KafkaException, KeyError, TimeoutError: no answer, or no such topic.
    """
    spec = spec or OffsetSpec.latest()  # type: ignore[no-untyped-call]
    wanted = {TopicPartition(name, one): spec for one in admin.list_topics(name, 10).topics[name].partitions}
    answers = admin.list_offsets(wanted, request_timeout=10) if wanted else {}
    return {place.partition: found.result(10).offset for place, found in answers.items()}


def ends_as_created(admin: AdminClient, topics: Iterable[TopicSpec]) -> Sequence[int | None]:
    """The offset after the last message of each partition that these topics were created with; None: no leader yet."""
    places = [TopicPartition(one.name, number) for one in topics for number in range(one.partitions)]
    answers = admin.list_offsets({place: OffsetSpec.latest() for place in places})  # type: ignore[no-untyped-call]
    return [None if answer.exception() else answer.result().offset for answer in answers.values()]


class Probe:
    """Reads of one namespace. Used by one thread at a time."""

    def __init__(self, settings: Settings, deadline_s: float = DEADLINE_S) -> None:
        """`deadline_s`: errors of Kafka are retried for this time."""
        self._settings = settings
        self._deadline_s = deadline_s
        self._loop = LoopThread()
        self._connection: Any = None
        self._retired: list[AdminClient] = []
        self._committed = CommittedOffsets(settings)
        self.admin = self._new_admin()

    def name(self, topic: TopicName) -> str:
        """The topic's full name."""
        return topic_name(self._settings.namespace, topic)

    def rows(self, sql: str, *arguments: Any) -> list[Any]:
        """The rows of a query on the namespace's tables.

        Raises:
            asyncpg.PostgresError, OSError: Postgres is away, or refuses.
        """
        return self._loop.call(self._fetch(sql, *arguments), 600)

    def value(self, sql: str, *arguments: Any) -> Any:
        """The first value of the first row."""
        return self.rows(sql, *arguments)[0][0]

    def stored(self) -> int:
        """Stored records by the totals."""
        return int(self.value("SELECT coalesce(sum(records), 0)::bigint FROM totals"))

    def topic_id(self, topic: TopicName) -> str:
        """Kafka's UUID of the topic, once the topic is known."""
        name = self.name(topic)
        wanted = TopicCollection([name])
        return str(self.answered(lambda: self.admin.describe_topics(wanted)[name].result(10)).topic_id)

    def ends(self, topic: TopicName) -> dict[int, int]:
        """Per partition the offset after the last message."""
        name = self.name(topic)
        found: dict[int, int] = self.answered(lambda: partition_offsets(self.admin, name))
        return found

    def starts(self, topic: TopicName) -> dict[int, int]:
        """Per partition the offset of the first message that is still there."""
        name, first = self.name(topic), OffsetSpec.earliest()  # type: ignore[no-untyped-call]
        found: dict[int, int] = self.answered(lambda: partition_offsets(self.admin, name, first))
        return found

    def committed(self, role: str, topic: TopicName) -> dict[int, int]:
        """Per partition the role's committed offset; 0 where there is none."""
        name, group = self.name(topic), f"{self._settings.namespace}.{role}"
        places = [(name, number) for number in self.ends(topic)]
        found = self.answered(lambda: self._committed.read(group, places, timeout_s=10))
        return {place.partition: max(place.offset, 0) for place in found}

    def lag(self, role: str, topic: TopicName) -> dict[int, int]:
        """Per partition the messages that the role hasn't committed; partitions without any are left out."""
        committed = self.committed(role, topic)
        behind = {number: end - committed.get(number, 0) for number, end in self.ends(topic).items()}
        return {number: left for number, left in behind.items() if left}

    def delete_topic(self, topic: TopicName) -> None:
        """Delete the topic; returns when the broker has forgotten it."""
        name = self.name(topic)
        self.answered(lambda: self.admin.delete_topics([name])[name].result(10), KafkaError.UNKNOWN_TOPIC_OR_PART)
        until(lambda: name not in self.answered(lambda: self.admin.list_topics(timeout=10)).topics, f"{name} is there")

    def drop_topics(self, names: Iterable[str]) -> None:
        """Delete topics by full name. Those that the broker doesn't delete stay until the servers go."""
        admin = self._new_admin()  # a client without a reference never sets its futures
        for future in admin.delete_topics(list(names)).values():
            with suppress(KafkaException, TimeoutError):
                future.result(30)

    def wait_until_led(self, topics: Sequence[TopicSpec]) -> None:
        """Wait until every partition of these topics can be written to."""
        until(lambda: None not in ends_as_created(self.admin, topics), "partitions have no leader")

    def answered(self, ask: Callable[[], T], *accepted: int) -> Any:
        """Kafka's answer; errors are retried until the deadline. An error in `accepted` is the answer None."""
        began = time.monotonic()
        while True:
            try:
                return ask()
            except (KafkaException, KeyError, TimeoutError) as exc:
                if isinstance(exc, KafkaException) and exc.args[0].code() in accepted:
                    return None
                if time.monotonic() - began > self._deadline_s:
                    raise
                # After kill -9 of the broker, a client that was connected before never gets the offsets of a group.
                self._retired.append(self.admin)
                self.admin = self._new_admin()
            time.sleep(_PAUSE_S)

    def _new_admin(self) -> AdminClient:
        return AdminClient({**librdkafka_config(self._settings), "log_level": 0, "reconnect.backoff.max.ms": 200})

    def close(self) -> None:
        """Disconnect."""
        self._committed.close()
        self._loop.call(self._disconnect())
        self._loop.close()

    async def _fetch(self, sql: str, *arguments: Any) -> list[Any]:
        if self._connection is None or self._connection.is_closed():
            path = {"search_path": quoted(self._settings.namespace)}
            self._connection = await asyncpg.connect(
                self._settings.postgres_dsn, server_settings=path, statement_cache_size=0, timeout=10
            )
        try:
            return list(await self._connection.fetch(sql, *arguments))
        except asyncpg.InternalClientError as exc:
            # The connection broke in the middle of an answer, and asyncpg lost track of its state.
            self._connection.terminate()
            raise ConnectionResetError(str(exc)) from exc

    async def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
