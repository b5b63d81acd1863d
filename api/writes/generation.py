"""The current generation of a topic, cached, for a process that writes to the topic."""

from __future__ import annotations

import asyncio
import math

from relearn.agents.kafka.producer import Receipt
from relearn.agents.kafka.topic_id_lookup import TopicIdLookup
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.topic_generations import Generations
from relearn.api.http.single_flight import SingleFlight
from relearn.schemas.errors import KafkaUnavailable
from relearn.schemas.settings import Settings

#: Kafka's answer is used for this long, unless an offset contradicts it.
FRESH_S = 2.0


class CurrentGeneration:
    """Reads the generation from Kafka every two seconds at most, once for all concurrent callers.

    `confirmed` reads again after a message is acknowledged: the topic may have been deleted and created again in
    between. An acknowledgement whose offset is not above the last one shows that, too.
    """

    def __init__(self, settings: Settings, pool: Pool, topic: str) -> None:
        self._ids = TopicIdLookup(settings)
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
        reading = await self._read_until(until_s)
        if not reading.done():
            raise KafkaUnavailable(f"Kafka doesn't answer in time for the generation of {self._topic}")
        return reading.result()

    async def confirmed(self, generation: int, until_s: float) -> int:
        """The generation that an acknowledged message has; `generation` was read before the message was sent.

        Reads that begin after this call are shared by all concurrent callers. Without an answer until `until_s` this is
        `generation`, unless an acknowledgement contradicts it.

        Raises:
            KafkaUnavailable, PostgresUnavailable: no answer, and `generation` is contradicted.
            SetupError: the topic is gone, and `generation` is contradicted.
        """
        if self._reading.under_way:  # this read may have begun before the acknowledgement
            await self._read_until(until_s)
        reading = await self._read_until(until_s)
        if reading.done() and not reading.cancelled() and reading.exception() is None:
            return reading.result()
        contradicted = self._known != generation or self._fresh_until_s == -math.inf
        return await self.current(until_s) if contradicted else generation

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
        await self._ids.close()

    async def _read_until(self, until_s: float) -> asyncio.Future[int]:
        """The read under way, else a new one, after it is done or `until_s` is past."""
        reading = self._reading.call()
        await asyncio.wait((reading,), timeout=max(0.0, until_s - asyncio.get_running_loop().time()))
        return reading

    async def _read(self) -> int:
        began_s = asyncio.get_running_loop().time()
        self._known = await self._generations.of(self._topic, await self._ids.of(self._topic))
        self._fresh_until_s = began_s + FRESH_S
        return self._known
