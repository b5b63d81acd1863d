"""Sending rejected records to `dead-letters`: the one way for every agent."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

import structlog

from relearn.agents.kafka.producer import KafkaProducer, Receipt
from relearn.schemas.messages.dead_letters import dead_letter_headers, dead_letters
from relearn.schemas.messages.records import Reject
from relearn.schemas.topics import topic_name

log = structlog.get_logger()


class DeadLetterSink:
    """Sends the dead letters of one agent. `source`: the sender in CloudEvents headers."""

    def __init__(self, producer: KafkaProducer, namespace: str, *, agent: str, source: str) -> None:
        self._producer = producer
        self._topic = topic_name(namespace, "dead-letters")
        self._agent = agent
        self._source = source

    async def send(self, rejects: Sequence[Reject], generation: int) -> list[asyncio.Future[Receipt]]:
        """Hand one dead letter per rejected message to the broker; the futures are its acknowledgements.

        `generation`: that of the topic which the messages came from.

        Raises:
            KafkaUnavailable, RejectedMessage, SetupError: as `KafkaProducer.send`.
        """
        if rejects:
            reasons, latest = Counter(reject.fault.reason for reject in rejects), rejects[-1]
            log.info("dead_letters", **reasons, latest=latest.fault.detail, offset=latest.message.offset)
        letters = dead_letters(rejects, agent=self._agent, generation=generation, now_s=time.time())
        return [
            await self._producer.send(
                self._topic, letter.value, key=letter.key, headers=dead_letter_headers(letter, self._source)
            )
            for letter in letters
        ]
