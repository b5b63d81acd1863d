"""Looking up topic ids often, for a writer. confluent-kafka's `describe_topics` leaks 140 bytes a call."""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from relearn.agents.kafka.config import aiokafka_config
from relearn.agents.kafka.protocol import UNKNOWN_TOPIC, TopicIdsRequest
from relearn.schemas.errors import KafkaUnavailable, SetupError
from relearn.schemas.settings import Settings


class TopicIdLookup:
    """A connection to Kafka for topic ids. It connects at the first call, and again after an error."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Any = None
        self._turn = asyncio.Lock()

    async def of(self, topic: str) -> str:
        """Kafka's id of `topic`, as the broker knows it after this call began.

        Raises:
            KafkaUnavailable: no broker answers.
            SetupError: there is no such topic.
        """
        async with self._turn:
            try:
                client = await self._connected()
                response = await client.send(client.get_random_node(), TopicIdsRequest([topic]))
            except (KafkaError, OSError) as exc:
                await self.close()
                raise KafkaUnavailable(f"Kafka doesn't answer: {str(exc) or type(exc).__name__}") from exc
        ((error_code, _, topic_id, *_),) = response.topics
        if error_code == UNKNOWN_TOPIC:
            raise SetupError(f"there is no topic {topic}; run `relearn migrate` first")
        if error_code:
            raise KafkaUnavailable(f"Kafka doesn't return the id of {topic}: error {error_code}")
        return str(topic_id)

    async def close(self) -> None:
        """Disconnect. The next call connects again."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _connected(self) -> Any:
        if self._client is None:
            client = AIOKafkaClient(**aiokafka_config(self._settings))
            try:
                await client.bootstrap()
            except BaseException:
                await client.close()
                raise
            self._client = client
        return self._client
