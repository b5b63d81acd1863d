"""The current generation of a topic, cached, for a process that writes to the topic."""

from __future__ import annotations

import asyncio
import math

from relearn.agents.kafka.generations import Generations
from relearn.agents.kafka.producer import Receipt
from relearn.agents.kafka.topics import admin_client, topic_id
from relearn.agents.stores.postgres import Pool
from relearn.api.http.single_flight import SingleFlight
from relearn.schemas.errors import KafkaUnavailable
from relearn.schemas.settings import Settings

#: Kafka's answer is used for this long, unless an offset contradicts it.
FRESH_S = 2.0


class CurrentGeneration:
    """Reads the generation from Kafka every two seconds at most, once for all concurrent callers.

    A topic that is deleted and created again in between is noticed, since its offsets restart. If this process has seen
    no offset of the partitions that it writes to, ids have the former generation until the next read.
    """

    def __init__(self, settings: Settings, pool: Pool, topic: str) -> None:
        self._admin = admin_client(settings)
        self._generations = Generations(pool)
        self._topic = topic
        self._reading = SingleFlight(self._read)
        self._known = -1
        self._fresh_until_s = -math.inf
        self._reached: dict[int, int] = {}

    async def current(self, until_s: float) -> int:
        """The topic's current generation.

        Raises:
            KafkaUnavailable, PostgresUnavailable: no answer until `until_s` on the loop's clock.
            SetupError: no such topic, or no tables.
        """
        now_s = asyncio.get_running_loop().time()
        if now_s < self._fresh_until_s:
            return self._known
        reading = self._reading.call()
        await asyncio.wait((reading,), timeout=max(0.0, until_s - now_s))
        if not reading.done():
            raise KafkaUnavailable(f"Kafka doesn't answer in time for the generation of {self._topic}")
        return reading.result()

    def is_current(self, generation: int) -> bool:
        """Whether no acknowledgement has contradicted this generation since it was read."""
        return self._known == generation and self._fresh_until_s > -math.inf

    def note(self, topic: str, receipt: Receipt) -> None:
        """Check an acknowledgement. To be called per partition in the order of offsets."""
        if topic != self._topic or receipt.offset is None:
            return
        if receipt.offset <= self._reached.get(receipt.partition, -1):
            self._fresh_until_s = -math.inf
            self._reached.clear()
        self._reached[receipt.partition] = receipt.offset

    async def close(self) -> None:
        """Cancel a read under way, and disconnect from Kafka."""
        await self._reading.close()
        self._admin.close()

    async def _read(self) -> int:
        began_s = asyncio.get_running_loop().time()
        self._known = await self._generations.of(self._topic, await topic_id(self._admin, self._topic))
        self._fresh_until_s = began_s + FRESH_S
        return self._known
