"""Publishing from an event loop: an idempotent librdkafka producer whose deliveries come back as futures."""

from __future__ import annotations

import asyncio
import math
import threading
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from relearn.agents.driver_errors.kafka import code_verdict, kafka_error
from relearn.agents.driver_errors.verdict import Verdict
from relearn.agents.kafka.config import idempotent_producer_config
from relearn.agents.kafka.tally import Tally
from relearn.schemas.errors import KafkaUnavailable
from relearn.schemas.messages.headers import Headers
from relearn.schemas.settings import Settings
from relearn.schemas.topics import PRODUCED_MAX_BYTES

log = structlog.get_logger()
T = TypeVar("T")
#: How soon a partition that was added to a topic is used.
METADATA_EVERY_MS = 10_000
_POLL_S = 0.1
_FULL_WAIT_S = 0.01
_HANDED_OVER = 1000


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message to send: `kind` and `event_id` become its CloudEvents type and id; equal keys keep their order.

    `write_key`: messages of `ingest` with equal ones are stored once.
    """

    value: bytes
    kind: str
    key: bytes | None = None
    event_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    records: int = 1
    write_key: str | None = field(default=None, kw_only=True)


KeyedMessage = tuple[bytes, bytes, Headers]
"""Key, value, headers."""


class Receipt(NamedTuple):
    """The place of a message in its topic.

    The offset is None where the broker had the message already: librdkafka sent the message again, because the first
    acknowledgement was lost or late, and the broker answers such a duplicate without the offset.
    """

    partition: int
    offset: int | None


class Acknowledged:
    """The base of awaitables that await the broker's acknowledgement, and do more where the broker refuses."""

    __slots__ = ()


def receipt_of(error: KafkaError | None, message: Message) -> Receipt | None:
    """The receipt of a delivered message; None with an `error`."""
    partition = message.partition()
    return None if error is not None or partition is None else Receipt(partition, message.offset())


class KafkaProducer:
    """Sends messages and returns futures of the broker's acknowledgements (acks=all).

    While no broker is available, messages wait in the buffer without end, or for `give_up_s` seconds. A message that
    was not acknowledged by then is dropped: it is never sent later, but it may have arrived, once.

    The broker's limit concerns a batch of messages, and librdkafka knows nothing of it. A message that is refused as
    too large is sent once more, in a batch of its own.
    """

    def __init__(
        self,
        settings: Settings,
        client_id: str,
        *,
        linger_ms: float = 1,
        give_up_s: float | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self._config: dict[str, Any] = {
            **idempotent_producer_config(settings, client_id),
            "linger.ms": linger_ms,
            **(config or {}),
            "message.max.bytes": PRODUCED_MAX_BYTES,
            # A message that can't succeed fails at once, one for a topic that doesn't exist after this time.
            "topic.metadata.propagation.max.ms": 5000,
            "delivery.timeout.ms": 2_147_483_647 if give_up_s is None else int(1000 * give_up_s),
            "queue.buffering.max.kbytes": 12 * 1024,
            "topic.metadata.refresh.interval.ms": METADATA_EVERY_MS,
            "log_level": 3,
        }
        self._producer = Producer(self._config, logger=_quiet)
        #: Sends one message per batch; opened when first needed.
        self._single: Producer | None = None
        self._give_up_s = give_up_s
        #: Messages by topic: acknowledged by the broker, and given up.
        self.acknowledged: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        #: Topics that were missing or forbidden. librdkafka would refuse messages for them until its next look, which
        #: is up to five minutes away.
        self._refused: set[str] = set()
        self._loop = asyncio.get_running_loop()
        self._closing = threading.Event()
        self._poller = threading.Thread(target=self._poll, name="producer", daemon=True)
        self._poller.start()

    def _poll(self) -> None:
        while not self._closing.is_set():
            self._producer.poll(_POLL_S if self._single is None else _POLL_S / 10)
            if self._single is not None:
                self._single.poll(_POLL_S / 10)

    async def connect(self, topic: str, timeout_s: float = 2.0) -> bool:
        """Fetch the metadata of `topic`, so that the first message doesn't wait for it; whether a broker answered.

        A topic that doesn't exist is not requested: a broker with automatic creation would create it.
        """
        try:
            found = await asyncio.to_thread(self._producer.list_topics, timeout=timeout_s)
            if topic in found.topics:
                await asyncio.to_thread(self._producer.list_topics, topic, timeout_s)
        except KafkaException as exc:
            log.debug("no_broker_yet", error=exc.args[0].str())
            return False
        return True

    async def count_partitions(self, topic: str, timeout_s: float = 2.0) -> int | None:
        """The number of partitions of an existing topic, which the producer then uses; None if no broker answers."""
        try:
            found = await asyncio.to_thread(self._producer.list_topics, topic, timeout_s)
        except KafkaException as exc:
            log.debug("no_broker_yet", error=exc.args[0].str())
            return None
        return len(found.topics[topic].partitions) or None

    async def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        partition: int | None = None,
        headers: Headers | None = None,
    ) -> asyncio.Future[Receipt]:
        """Queue a message, waiting while the buffer is full; the future is set at the broker's acknowledgement.

        The future raises the same errors, but for the buffer.

        Raises:
            KafkaUnavailable: the buffer stayed full for `give_up_s`, or the broker doesn't answer. Retryable.
            RejectedMessage: the message is refused as it is: too large, invalid.
            SetupError: the topic or the right to write to it is missing.
            confluent_kafka.KafkaException: this producer can't go on; a new process has a new one.
        """
        receipt: asyncio.Future[Receipt] = self._loop.create_future()
        arguments: dict[str, Any] = {"key": key, "headers": headers}
        if partition is not None:
            arguments["partition"] = partition

        def on_single(error: KafkaError | None, message: Message) -> None:
            self._loop.call_soon_threadsafe(self._settle, topic, receipt, error, receipt_of(error, message))

        def on_delivery(error: KafkaError | None, message: Message) -> None:
            if error is not None and error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
                single = {**arguments, "on_delivery": on_single}
                self._loop.call_soon_threadsafe(self._send_alone, topic, message.value(), single, receipt)
            else:
                on_single(error, message)

        await self._produce(topic, value, {**arguments, "on_delivery": on_delivery})
        return receipt

    async def send_all(self, topic: str, messages: Iterable[KeyedMessage]) -> asyncio.Future[int]:
        """Queue messages with one receipt for all: their number, once the broker has acknowledged each of them.

        The future raises the first error of `send`, once all are settled. A message that is refused as too large isn't
        sent again. After an error some messages may have been sent.

        Raises:
            As `send`.
        """
        receipt: asyncio.Future[int] = self._loop.create_future()

        def on_last(number: int, error: KafkaError | None) -> None:
            self._loop.call_soon_threadsafe(self._settle, topic, receipt, error, number, number)

        tally = Tally(on_last)
        for number, (key, value, headers) in enumerate(messages, 1):
            await self._produce(topic, value, {"key": key, "headers": headers, "on_delivery": tally})
            if number % _HANDED_OVER == 0:
                await asyncio.sleep(0)  # the heartbeat of the consumer group runs
            tally.handed_over = number
        tally.close()
        return receipt

    async def _produce(self, topic: str, value: bytes | None, arguments: Mapping[str, Any]) -> None:
        """Queue one message, waiting while the buffer is full. Raises as `send`."""
        if topic in self._refused:
            self._refused.discard(topic)
            await self.connect(topic)
        deadline = math.inf if self._give_up_s is None else self._loop.time() + self._give_up_s
        while True:
            try:
                return self._producer.produce(topic, value, **arguments)
            except BufferError as exc:
                if self._loop.time() > deadline:
                    raise KafkaUnavailable("Kafka: more waits to be sent than the buffer holds") from exc
                await asyncio.sleep(_FULL_WAIT_S)
            except KafkaException as exc:
                self._note(topic, exc.args[0])
                raise kafka_error(exc.args[0], topic=topic) from exc

    def _send_alone(
        self, topic: str, value: bytes | None, arguments: dict[str, Any], receipt: asyncio.Future[Receipt]
    ) -> None:
        """Send a message of a batch that was refused as too large in a batch of its own."""
        if self._closing.is_set():
            receipt.cancel()
            return
        if self._single is None:
            self._single = Producer({**self._config, "batch.num.messages": 1, "linger.ms": 0}, logger=_quiet)
        try:
            self._single.produce(topic, value, **arguments)
        except BufferError:
            self._loop.call_later(_FULL_WAIT_S, self._send_alone, topic, value, arguments, receipt)
        except KafkaException as exc:
            self._settle(topic, receipt, exc.args[0], None)

    def _settle(
        self, topic: str, receipt: asyncio.Future[T], error: KafkaError | None, result: T | None, number: int = 1
    ) -> None:
        (self.acknowledged if error is None else self.lost)[topic] += number
        if error is not None:
            self._note(topic, error)
        settle(receipt, error, result, topic)

    def _note(self, topic: str, error: KafkaError) -> None:
        if code_verdict(error) is Verdict.SETUP:
            self._refused.add(topic)

    async def close(self, timeout_s: float = 5.0) -> int:
        """Flush for at most `timeout_s`, then disconnect. Returns the number of messages that were given up."""
        left = await asyncio.to_thread(self._producer.flush, timeout_s)
        if self._single is not None:
            left += await asyncio.to_thread(self._single.flush, timeout_s)
        self._closing.set()
        await asyncio.to_thread(self._disconnect)
        if left:
            log.warning("unacknowledged", messages=left)
        return int(left)

    def _disconnect(self) -> None:
        self._poller.join()
        for producer in (self._producer, self._single):
            if producer is not None:
                producer.purge()
                producer.close()


def settle(receipt: asyncio.Future[T], error: KafkaError | None, result: T | None, topic: str | None = None) -> None:
    """Set the result of a delivery to `topic`, or its error, unless nothing waits for it any more."""
    if receipt.done():
        return
    if error is None and result is not None:
        receipt.set_result(result)
    elif error is None:
        receipt.set_exception(KafkaUnavailable("Kafka: a message was acknowledged without its partition"))
    else:
        receipt.set_exception(kafka_error(error, topic=topic))


class _Quiet:
    """librdkafka's log lines at level debug. They repeat while a broker is unavailable."""

    def log(self, _level: int, message: str, *args: Any) -> None:
        log.debug("librdkafka", message=message % args if args else message)


_quiet = _Quiet()
