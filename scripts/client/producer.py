"""Sends messages at a rate and counts what the broker has acknowledged: for `produce`, `review` and `demo`.

It does not use `agents.kafka.producer.KafkaProducer`, which sets a future on the event loop per message, and polls in
a second thread. Here the sending thread takes deliveries itself, so that a message costs one callback.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from relearn.agents.kafka.admin import explained
from relearn.agents.kafka.config import idempotent_producer_config
from relearn.agents.kafka.limits import read_limit
from relearn.agents.kafka.producer import OutgoingMessage
from relearn.schemas.errors import KafkaUnavailable, Refused, SetupError
from relearn.schemas.messages.headers import cloud_event, message_bytes
from relearn.schemas.settings import Settings
from relearn.schemas.topics import INGEST_MAX_BYTES
from relearn.scripts.client.pacing import wait_s

CHECK_TIMEOUT_S = 5.0
#: A message that the broker hasn't acknowledged after this time counts as lost.
DELIVERY_TIMEOUT_S = 30.0
IN_FLIGHT_KBYTES = 32 * 1024
_POLL_S = 0.1
#: librdkafka waits for whole milliseconds, and not at all for less: a wait below this would be a loop without a pause.
_LEAST_WAIT_S = 0.002
_POLL_EVERY = 100
_PROGRESS_EVERY_S = 0.1
#: librdkafka's `batch.size`.
_BATCH_BYTES = 1_000_000

OnAck = Callable[[OutgoingMessage, int, int | None], None]
"""Called in the sending thread for each acknowledged message: itself, its partition and its offset if that is known."""


class Sender:
    """An idempotent producer (acks=all) with counts. One thread sends; any thread may read the counts."""

    def __init__(
        self, settings: Settings, topic: str, *, source: str, compression: str = "none", on_ack: OnAck | None = None
    ) -> None:
        self.topic = topic
        self.messages = 0
        """Messages handed over."""
        self.sent = 0
        """Records handed over."""
        self.acknowledged_messages = 0
        self.acknowledged = 0
        """Records in messages that the broker has acknowledged."""
        self.error: str | None = None
        """The last error of the broker or of the connection to it."""
        self._source = source
        self._on_ack = on_ack
        self._settings = settings
        self._config = {
            **idempotent_producer_config(settings, source.strip("/").replace("/", "-")),
            "compression.type": compression,
            "linger.ms": 2,
            "delivery.timeout.ms": int(DELIVERY_TIMEOUT_S * 1000),
            "message.max.bytes": INGEST_MAX_BYTES + 64 * 1024,
            "queue.buffering.max.kbytes": IN_FLIGHT_KBYTES,
            "log_level": 0,
            "error_cb": self._on_error,
        }
        self._producer = Producer(self._config)
        self._max_bytes = INGEST_MAX_BYTES

    def check(self) -> int:
        """The number of the topic's partitions. To be called before the first message: it reads the topic's limit.

        Raises:
            KafkaUnavailable: no broker answers within five seconds.
            SetupError: the topic isn't there.
        """
        try:
            topics: dict[str, Any] = self._producer.list_topics(timeout=CHECK_TIMEOUT_S).topics
        except KafkaException as exc:
            self._producer.poll(0)
            error = self.error or exc.args[0].str()
            raise KafkaUnavailable(f"Kafka doesn't answer: {error}; is `relearn up` running?") from exc
        if self.topic not in topics:
            raise SetupError(f"there is no topic {self.topic}: run `relearn migrate`, or `relearn up`, first")
        self._fit_to(read_limit(self._settings, self.topic))
        return len(topics[self.topic].partitions)

    def _fit_to(self, limit_bytes: int | None) -> None:
        """Keep to the largest batch of messages that the topic takes."""
        if limit_bytes is None:
            return
        self._max_bytes = min(INGEST_MAX_BYTES, limit_bytes)
        if limit_bytes < _BATCH_BYTES:
            self._producer = Producer({**self._config, "batch.size": limit_bytes})

    def send(self, message: OutgoingMessage) -> None:
        """Hand one message to the producer; waits while too many bytes are in flight.

        Raises:
            Refused: it is larger than the topic's limit.
        """
        headers: Any = cloud_event(message.kind, self._source, now_s=time.time(), event_id=message.event_id)
        if message_bytes(message.value, None, headers) > self._max_bytes:
            size = f"{len(message.value):,} bytes; the maximum is {self._max_bytes:,}"
            raise Refused(f"a message of {message.records} records has {size}: send fewer records per message")

        def on_delivery(error: KafkaError | None, delivered: Message) -> None:
            if error is not None:
                self.error = error.str()
                return
            self.acknowledged_messages += 1
            self.acknowledged += message.records
            if self._on_ack is not None:
                partition = delivered.partition()
                assert partition is not None
                self._on_ack(message, partition, delivered.offset())

        while True:
            try:
                self._producer.produce(self.topic, message.value, headers=headers, on_delivery=on_delivery)
            except BufferError:
                self._producer.poll(_POLL_S)
            except KafkaException as exc:
                self.error = exc.args[0].str()
                break
            else:
                break
        self.messages += 1
        self.sent += message.records

    def serve(self, timeout_s: float = 0.0) -> None:
        """Process acknowledgements, waiting at most `timeout_s` for one."""
        self._producer.poll(timeout_s)

    def wait(self, duration_s: float) -> None:
        """Wait at most this long, or _LEAST_WAIT_S, and process acknowledgements meanwhile."""
        if duration_s < _LEAST_WAIT_S:
            time.sleep(_LEAST_WAIT_S)
        else:
            self.serve(duration_s)

    def flush(self, timeout_s: float = DELIVERY_TIMEOUT_S) -> None:
        """Wait until every message is acknowledged or given up, at most `timeout_s`. Ctrl-C interrupts it."""
        deadline = time.monotonic() + timeout_s
        while len(self._producer) and time.monotonic() < deadline:
            self._producer.flush(_POLL_S)
        if len(self._producer) and self.error is None:
            self.error = f"no answer within {timeout_s:.0f} s"

    def _on_error(self, error: KafkaError) -> None:
        if error.code() != KafkaError._ALL_BROKERS_DOWN or self.error is None:
            self.error = explained(error)


def send_paced(
    sender: Sender,
    messages: Iterable[OutgoingMessage],
    *,
    rate: float | None,
    stop: threading.Event,
    before_send: Callable[[OutgoingMessage], None] | None = None,
    on_progress: Callable[[], None] | None = None,
) -> None:
    """Send messages, each when it is due, until they end or `stop` is set. Doesn't flush.

    Raises:
        Refused: a message is larger than the topic's limit.
    """
    began, before, progress_s = time.monotonic(), 0, 0.0
    for number, message in enumerate(messages):
        while (left := wait_s(before, rate, time.monotonic() - began)) > 0 and not stop.is_set():
            sender.wait(min(left, _POLL_S))
        if stop.is_set():
            return
        if before_send is not None:
            before_send(message)
        sender.send(message)
        before += message.records
        if rate is not None or number % _POLL_EVERY == 0:
            sender.serve()
        if on_progress is not None and time.monotonic() > progress_s:
            on_progress()
            progress_s = time.monotonic() + _PROGRESS_EVERY_S


@contextmanager
def stopping_on_signals(stop: threading.Event) -> Iterator[None]:
    """The first Ctrl-C or SIGTERM sets `stop`; the second interrupts at once. Outside the main thread: no effect."""
    if threading.current_thread() is not threading.main_thread():  # signals reach the main thread only
        yield
        return

    def on_signal(*_: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
