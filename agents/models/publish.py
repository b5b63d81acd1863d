"""Publishing model updates: signed bytes from Postgres, by a transactional producer that fences its predecessors."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from relearn.agents.driver_errors.kafka import code_verdict, kafka_error
from relearn.agents.driver_errors.verdict import Verdict
from relearn.agents.kafka.config import librdkafka_config
from relearn.schemas.errors import KafkaUnavailable
from relearn.schemas.messages.headers import cloud_event
from relearn.schemas.model.signed_updates import CE_TYPE
from relearn.schemas.settings import Settings
from relearn.schemas.topics import PRODUCED_MAX_BYTES, topic_name

T = TypeVar("T")

_TIMEOUT_S = 10.0
_FENCED = {KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH}


class Fenced(Exception):
    """Another process has taken over publishing. This one must end."""


class UpdatesTopic:
    """Writes `model-updates` under the namespace's one transactional id."""

    def __init__(self, settings: Settings, source: str) -> None:
        self._settings = settings
        self._source = source
        self._topic = topic_name(settings.namespace, "model-updates")
        self._producer: Producer | None = None

    async def open(self) -> None:
        """Take over publishing, which fences the process that published before. Does nothing if it was done.

        Raises:
            KafkaUnavailable: retryable.
        """
        if self._producer is None:
            await self._translated(self._open)

    async def publish(self, key: bytes, message: bytes) -> int:
        """Write one signed message. Returns its offset once the transaction is committed. May be repeated.

        Raises:
            KafkaUnavailable: the message may be missing. Retryable.
            RejectedMessage: the message is larger than the topic takes.
            SetupError: the topic or a right is missing.
            Fenced: another process publishes now.
        """
        await self.open()
        return await self._translated(lambda: self._publish(key, message))

    async def _translated(self, call: Callable[[], T]) -> T:
        """The result of a blocking call. After an error the next call opens a new producer."""
        try:
            return await asyncio.to_thread(call)
        except KafkaException as exc:
            self.close()
            error: KafkaError = exc.args[0]
            if error.code() in _FENCED:
                raise Fenced(f"another retrain worker publishes models now: {error.str()}") from exc
            # The next attempt has a producer of its own: what ends this one doesn't end the process.
            if code_verdict(error) is Verdict.OURS:
                raise KafkaUnavailable(f"Kafka: {error.str()}") from exc
            raise kafka_error(error, topic=self._topic) from exc

    def _publish(self, key: bytes, message: bytes) -> int:
        producer = self._producer
        if producer is None:
            raise KafkaException(KafkaError(KafkaError._STATE, "closed meanwhile"))
        delivered: list[int | None] = []

        refused: list[KafkaError] = []

        def on_delivery(error: KafkaError | None, sent: Message) -> None:
            if error is None:
                delivered.append(sent.offset())
            else:
                refused.append(error)

        headers: Any = cloud_event(CE_TYPE, self._source, now_s=time.time())
        producer.begin_transaction()
        producer.produce(self._topic, message, key, partition=0, headers=headers, on_delivery=on_delivery)
        try:
            producer.commit_transaction(_TIMEOUT_S)
        except KafkaException as exc:
            if refused:  # why the message failed, instead of that the transaction did
                raise KafkaException(refused[0]) from exc
            raise
        if not delivered or delivered[0] is None:
            raise KafkaException(KafkaError(KafkaError._MSG_TIMED_OUT, "not acknowledged"))
        return delivered[0]

    def _open(self) -> None:
        producer = Producer(
            {
                **librdkafka_config(self._settings),
                "transactional.id": f"{self._settings.namespace}.retrain",
                # Maximum time for which the open transaction of a killed process delays its readers.
                "transaction.timeout.ms": int(_TIMEOUT_S * 1000),
                "message.timeout.ms": int(_TIMEOUT_S * 1000),
                "message.max.bytes": PRODUCED_MAX_BYTES,
                "log_level": 0,
            }
        )
        producer.init_transactions(_TIMEOUT_S)
        self._producer = producer

    def close(self) -> None:
        """Drop the messages in flight. The next message opens a new producer."""
        if self._producer is not None:
            self._producer.purge()
            self._producer = None
