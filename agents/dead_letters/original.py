"""Reading the original of a dead letter that holds a part of it: from its topic, while Kafka keeps it there."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from relearn.agents.driver_errors.kafka import class_verdict
from relearn.agents.driver_errors.verdict import Verdict
from relearn.agents.fetch.bounded_fetch import bound_fetches
from relearn.agents.kafka.config import aiokafka_config
from relearn.agents.kafka.topics import admin_client, topic_id
from relearn.agents.stores.dead_letters import DeadLetterRow, Original
from relearn.agents.stores.postgres import Connection
from relearn.agents.stores.topic_generations import register_generation
from relearn.schemas.errors import KafkaUnavailable, Refused, SetupError
from relearn.schemas.messages.records import UnreadMessage
from relearn.schemas.settings import Settings

READ_TIMEOUT_S = 10.0


class OriginalReader:
    """Reads originals, one at a time. Connects at the first one. `connection`: for the generations of topics."""

    def __init__(self, settings: Settings, connection: Connection) -> None:
        self._settings = settings
        self._connection = connection
        self._consumer: Any = None
        self._generations: dict[str, int] = {}

    async def read(self, row: DeadLetterRow, part: Original) -> Original:
        """The whole original of `row`; `part` is what the letter holds of it.

        Raises:
            Refused: the original is gone, or can't be read; the message gives the reason.
            KafkaUnavailable, PostgresUnavailable: retryable.
        """
        gone = f"its original is no longer in Kafka ({row.topic}, partition {row.partition}, offset {row.offset})"
        try:
            generation = await self._generation(row.topic)
        except SetupError as exc:
            raise Refused(f"{gone}: {exc}") from exc
        if generation != row.generation:
            raise Refused(f"{gone}: the topic was deleted and created again since")
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                found = await self._fetch(row)
        except TimeoutError as exc:
            raise KafkaUnavailable(f"Kafka doesn't return the original of dead letter {row.id} in time") from exc
        except KafkaError as exc:
            text = f"the original of dead letter {row.id} can't be read: {str(exc) or type(exc).__name__}"
            raise (KafkaUnavailable if class_verdict(exc) is Verdict.RETRYABLE else Refused)(text) from exc
        if found is None:
            raise Refused(gone)
        if isinstance(found, UnreadMessage):
            raise Refused(f"the original of dead letter {row.id} is not read: {found.fault.detail}")
        wanted = part.cut.value_sha256 if part.cut is not None else None
        if wanted is not None and hashlib.sha256(found.value or b"").digest() != wanted:
            raise Refused("the message at its place is another one: its SHA-256 differs")
        headers = [(name, (value or b"").decode("utf-8", "replace")) for name, value in found.headers]
        return Original(found.key, found.value, headers)

    async def close(self) -> None:
        """Disconnect."""
        if self._consumer is not None:
            await self._consumer.stop()

    async def _generation(self, topic: str) -> int:
        if topic not in self._generations:
            with admin_client(self._settings) as admin:
                found = await topic_id(admin, topic)
            self._generations[topic] = await register_generation(self._connection, topic, found)
        return self._generations[topic]

    async def _fetch(self, row: DeadLetterRow) -> Any:
        """The message at the place of `row`; None: it isn't there any more."""
        tp, consumer = TopicPartition(row.topic, row.partition), await self._connected()
        consumer.assign([tp])
        consumer.seek(tp, row.offset)
        await consumer._client.force_metadata_update()
        if row.partition not in (consumer.partitions_for_topic(row.topic) or ()):
            return None
        first, end = (await consumer.beginning_offsets([tp]))[tp], (await consumer.end_offsets([tp]))[tp]
        if not first <= row.offset < end:
            return None
        message = await consumer.getone(tp)
        return message if message.offset == row.offset else None

    async def _connected(self) -> Any:
        if self._consumer is None:
            bound_fetches()
            consumer = AIOKafkaConsumer(
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="none",
                **aiokafka_config(self._settings),
            )
            await consumer.start()
            self._consumer = consumer
        return self._consumer
