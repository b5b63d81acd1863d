"""The generation of a topic as a process that writes to it needs it: known at once, and soon again when it changes."""

from __future__ import annotations

import asyncio
import math

from relearn.agents.kafka.generations import Generations
from relearn.agents.kafka.producer import Receipt
from relearn.agents.stores.postgres import Pool
from relearn.api.http.single_flight import SingleFlight
from relearn.schemas.errors import KafkaUnavailable
from relearn.schemas.settings import Settings

#: What Kafka said stays true for so long, unless there is reason to doubt it.
FRESH_S = 2.0


class CurrentGeneration:
    """Asks Kafka every two seconds at most, one question for all that wait.

    A topic that is deleted and made again between two questions gives itself away: its offsets begin anew. Where only
    partitions are written to that this process hasn't seen an offset of, ids have the former generation until the next.
    """

    def __init__(self, settings: Settings, pool: Pool, topic: str) -> None:
        self._generations = Generations(settings, pool, topic)
        self._topic = topic
        self._questions = 0
        self._question = SingleFlight(self._ask)
        self._known = -1
        self._fresh_until_s = -math.inf
        self._reached: dict[int, int] = {}

    async def known(self, until_s: float) -> int:
        """The generation that the topic has now.

        Raises:
            KafkaUnavailable, PostgresUnavailable: no answer, or none until then on the loop's clock.
            SetupError: there is no such topic, or no tables.
        """
        now_s = asyncio.get_running_loop().time()
        if now_s < self._fresh_until_s:
            return self._known
        asking = self._question.call()
        await asyncio.wait((asking,), timeout=max(0.0, until_s - now_s))
        if not asking.done():
            raise KafkaUnavailable(f"Kafka doesn't say in time which topic {self._topic} is")
        return asking.result()

    def stands(self, generation: int) -> bool:
        """Whether nothing has been seen since that speaks against it."""
        return self._known == generation and self._fresh_until_s > -math.inf

    def note(self, topic: str, receipt: Receipt) -> None:
        """Look at where a message was put; to be told of one partition's in the order of offsets."""
        if topic != self._topic or receipt.offset is None:
            return
        if receipt.offset <= self._reached.get(receipt.partition, -1):
            self._fresh_until_s = -math.inf
            self._reached.clear()
        self._reached[receipt.partition] = receipt.offset

    async def close(self) -> None:
        """Wait for no answer any more."""
        await self._question.close()

    async def _ask(self) -> int:
        self._questions += 1
        asked_s = asyncio.get_running_loop().time()
        self._known = await self._generations.current(self._questions)
        self._fresh_until_s = asked_s + FRESH_S
        return self._known
