"""The messages of a round: records, and feedback on the answers to them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from confluent_kafka import KafkaError, Message, Producer

from relearn.agents.kafka.config import idempotent_producer_config
from relearn.schemas.errors import KafkaUnavailable
from relearn.schemas.identity import Place
from relearn.schemas.messages.feedback import Feedback, Via, encode_feedback
from relearn.schemas.settings import Settings
from relearn.schemas.topics import TopicName, topic_name

#: `evidence`: every record is audited. `silence`: volunteers correct what is wrong, and say nothing of the rest.
Way = Literal["silence", "evidence"]
REVIEWER = "bench"
_TIMEOUT_S = 30.0


class Answered(NamedTuple):
    """A record that the champion has answered, and its right label."""

    place: Place
    predicted: str
    truth: str

    @property
    def wrong(self) -> bool:
        return self.predicted != self.truth


def said(answered: Sequence[Answered], way: Way, run: str) -> list[Feedback]:
    """What people say of these answers."""
    via: Via = "audit" if way == "evidence" else "volunteer"
    return [
        Feedback(f"{run}-{one.place}", one.truth, one.place, reviewer=REVIEWER, via=via)
        for one in answered
        if one.wrong or way == "evidence"
    ]


def unsaid(statements: Iterable[Feedback]) -> list[Feedback]:
    """What takes all of it back."""
    return [Feedback(f"un{one.id}", None, one.prediction, reviewer=REVIEWER, via=one.via) for one in statements]


class Sender:
    """Sends messages; returns when the broker has acknowledged them."""

    def __init__(self, settings: Settings) -> None:
        self._namespace = settings.namespace
        self._producer = Producer({**idempotent_producer_config(settings, "bench"), "linger.ms": 1, "log_level": 0})
        self._acknowledged_s = 0.0

    async def feedback(self, statements: Iterable[Feedback]) -> float:
        """As `send`."""
        return await self.send("feedback", [encode_feedback(one) for one in statements])

    async def send(self, topic: TopicName, values: Sequence[bytes]) -> float:
        """Send them, one message each; when the last one was acknowledged, in seconds since 1970.

        Raises:
            KafkaUnavailable: not all of them were.
        """
        return await asyncio.to_thread(self._send, topic_name(self._namespace, topic), values)

    def _send(self, topic: str, values: Sequence[bytes]) -> float:
        for value in values:
            self._producer.produce(topic, value, on_delivery=self._note)
        if self._producer.flush(_TIMEOUT_S):
            raise KafkaUnavailable(f"Kafka didn't take all messages for {topic} within {_TIMEOUT_S:g} s")
        return self._acknowledged_s

    def _note(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            raise KafkaUnavailable(f"Kafka: {error.str()}")
        self._acknowledged_s = time.time()
