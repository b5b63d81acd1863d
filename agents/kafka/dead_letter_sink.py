"""Sending rejected records to `dead-letters`: the one way for every agent. A rejected record is always stored.

A letter that the broker refuses (too large, no permission, no such topic) goes to Postgres directly. The store worker
would write the same row, which is unique by place.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from relearn.agents.availability.retry import Retry
from relearn.agents.kafka.limits import MessageLimits
from relearn.agents.kafka.producer import Acknowledged, KafkaProducer, Receipt
from relearn.agents.stores.dead_letters import store_dead_letters
from relearn.agents.stores.postgres import Pool
from relearn.schemas.errors import RejectedMessage, SetupError
from relearn.schemas.messages.dead_letter_cut import dead_letters
from relearn.schemas.messages.dead_letters import DeadLetter, dead_letter_headers
from relearn.schemas.messages.records import Reject
from relearn.schemas.topics import topic_name

log = structlog.get_logger()

_HANDED_OVER = 256
_NOTICE = "dead-letters"


@dataclass(frozen=True, slots=True)
class DeadLetterSink:
    """Sends the dead letters of one agent. `source`: the sender in CloudEvents headers."""

    producer: KafkaProducer
    pool: Pool
    limits: MessageLimits
    retry: Retry
    namespace: str
    agent: str
    source: str

    async def send(self, rejects: Sequence[Reject], generation: int) -> list[Awaitable[Any]]:
        """Hand dead letters for the rejected records to the broker; each receipt is the end of one letter.

        A receipt is the broker's acknowledgement, or else the commit of the letter's row. It raises Stopping if the
        worker is asked to stop while Postgres is unavailable.

        `generation`: that of the topic which the messages came from.
        """
        if not rejects:
            return []
        reasons, latest = Counter(reject.fault.reason for reject in rejects), rejects[-1]
        log.info("dead_letters", **reasons, latest=latest.fault.detail, offset=latest.message.offset)
        limit_bytes = await self.limits.of(self._topic)
        letters = dead_letters(
            rejects, agent=self.agent, generation=generation, now_s=time.time(), limit_bytes=limit_bytes
        )
        return await self._hand_over(letters)

    async def _hand_over(self, letters: Any) -> list[Awaitable[Any]]:
        receipts: list[Awaitable[Any]] = []
        for number, letter in enumerate(letters, 1):
            receipts.append(await self._send(letter))
            if number % _HANDED_OVER == 0:
                await asyncio.sleep(0)  # the heartbeat of the consumer group runs
        return receipts

    async def _send(self, letter: DeadLetter) -> Awaitable[Any]:
        headers = dead_letter_headers(letter, self.source)
        try:
            receipt = await self.producer.send(self._topic, letter.value, key=letter.key, headers=headers)
        except (RejectedMessage, SetupError) as exc:
            return _Receipt(self, letter, None, exc)
        return _Receipt(self, letter, receipt, None)

    def note_sent(self) -> None:
        """The broker has acknowledged a letter."""
        self.retry.state.notices.clear(_NOTICE)

    async def store(self, letter: DeadLetter, refusal: RejectedMessage | SetupError) -> None:
        """Write the row of a letter that the broker has refused.

        Raises:
            Stopping: the worker is asked to stop while Postgres is unavailable.
        """
        place = {"topic": letter.topic, "partition": letter.partition, "offset": letter.offset}
        log.warning("dead_letter_stored_directly", error=str(refusal), reason=letter.reason, **place)
        self.retry.state.notices.set(_NOTICE, f"dead letters are written to Postgres directly: {refusal}")
        await self.retry.until_available(lambda: store_dead_letters(self.pool, [letter]), "Postgres")

    @property
    def _topic(self) -> str:
        return topic_name(self.namespace, "dead-letters")


@dataclass(slots=True)
class _Receipt(Acknowledged):
    """Awaits the acknowledgement of one letter, and stores the letter if the broker refuses it.

    No coroutine before it is awaited: the receipts of a chunk that is given up are dropped.
    """

    sink: DeadLetterSink
    letter: DeadLetter
    receipt: asyncio.Future[Receipt] | None
    refusal: RejectedMessage | SetupError | None

    def __await__(self) -> Generator[Any, None, None]:
        return self._settled().__await__()

    async def _settled(self) -> None:
        refusal = self.refusal
        if self.receipt is not None:
            try:
                await self.receipt
            except (RejectedMessage, SetupError) as exc:
                refusal = exc
            else:
                self.sink.note_sent()
        if refusal is not None:
            await self.sink.store(self.letter, refusal)
