"""Sending to Kafka, bounded in bytes and in time, with an outcome for each message."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from relearn.agents.kafka.limits import MessageLimits
from relearn.agents.kafka.producer import KafkaProducer, OutgoingMessage, Receipt
from relearn.api.http.problems import RETRY, ProblemError
from relearn.schemas.errors import KafkaUnavailable, RelearnError
from relearn.schemas.messages.headers import WRITE_KEY, cloud_event, message_bytes

#: Maximum size of all messages in flight; requests beyond are answered with 429.
IN_FLIGHT_BYTES = 32 * 1024 * 1024
#: Every write is answered within this time. librdkafka checks its own timeout once a second only.
SEND_TIMEOUT_S = 1.8
#: Headers, and librdkafka's own memory per message.
_OVERHEAD_BYTES = 512
#: Allowance for the CloudEvents headers of a message, whose id has at most 256 bytes.
_HEADERS_BYTES = 1024
_TURN = 256

Outcome: TypeAlias = Receipt | RelearnError
OnReceipt: TypeAlias = Callable[[str, Receipt], None]
"""Called with the topic and each acknowledgement, per partition in the order of offsets."""


class Outbox:
    """Sends for all requests of this process. `source`: this process in CloudEvents headers."""

    def __init__(
        self,
        producer: KafkaProducer,
        limits: MessageLimits,
        source: str,
        on_receipt: OnReceipt,
        *,
        limit_bytes: int = IN_FLIGHT_BYTES,
    ) -> None:
        self.in_flight_bytes = 0
        """Size of the messages handed over and neither acknowledged nor given up."""
        self._producer = producer
        self._limits = limits
        self._source = source
        self._on_receipt = on_receipt
        self._limit_bytes = limit_bytes
        self._by_client: Counter[str] = Counter()

    async def send(
        self, topic: str, messages: Sequence[OutgoingMessage], *, client: str = "", until_s: float | None = None
    ) -> list[Outcome]:
        """Send messages; the outcome of each, in order: its place in the topic, or why it isn't acknowledged.

        An unacknowledged message may have arrived, at most once.

        Args:
            topic: its full name.
            client: the sender. Of several requests in flight, those of one client get half of the limit.
            until_s: on the loop's clock; by default SEND_TIMEOUT_S from now.

        Raises:
            ProblemError: the messages don't fit beside those in flight, or exceed the limit alone. None was sent.
            TooLarge: one is larger than the topic takes. None was sent.
        """
        loop = asyncio.get_running_loop()
        until_s = loop.time() + SEND_TIMEOUT_S if until_s is None else until_s
        if messages:
            largest = max(message_bytes(one.value, one.key) for one in messages)
            await self._limits.check(topic, largest + _HEADERS_BYTES, "a message")
        self._reserve(client, sum(_size_bytes(message) for message in messages))
        handed: list[asyncio.Future[Receipt] | Exception] = []
        try:
            for number, message in enumerate(messages, 1):
                handed.append(await self._hand_over(topic, message, client, until_s))
                if number % _TURN == 0:
                    await asyncio.sleep(0)  # lets other requests run
        finally:
            self._release(client, sum(_size_bytes(message) for message in messages[len(handed) :]))
        waiting = [one for one in handed if isinstance(one, asyncio.Future)]
        if waiting:
            await asyncio.wait(waiting, timeout=max(0.0, until_s - loop.time()))
        return [_outcome(one) for one in handed]

    def _reserve(self, client: str, size_bytes: int) -> None:
        if size_bytes > self._limit_bytes:
            detail = f"Packed, this is {size_bytes:,} bytes; the maximum is {self._limit_bytes:,}: send it in parts."
            raise ProblemError("too-large", detail)
        if self.in_flight_bytes + size_bytes > self._limit_bytes:
            raise ProblemError("too-many-requests", "Too much is on its way to Kafka; retry.", headers=RETRY)
        own_bytes = self._by_client[client]
        if own_bytes and own_bytes + size_bytes > self._limit_bytes // 2:
            raise ProblemError("too-many-requests", "Too much of yours is on its way to Kafka; retry.", headers=RETRY)
        self.in_flight_bytes += size_bytes
        self._by_client[client] += size_bytes

    def _release(self, client: str, size_bytes: int) -> None:
        self.in_flight_bytes -= size_bytes
        self._by_client[client] -= size_bytes
        if not self._by_client[client]:
            del self._by_client[client]

    async def _hand_over(
        self, topic: str, message: OutgoingMessage, client: str, until_s: float
    ) -> asyncio.Future[Receipt] | Exception:
        headers = cloud_event(message.kind, self._source, now_s=time.time(), event_id=message.event_id)
        if message.write_key is not None:
            headers.append((WRITE_KEY, message.write_key.encode()))
        if asyncio.get_running_loop().time() > until_s:
            self._release(client, _size_bytes(message))
            return TimeoutError()
        try:
            async with asyncio.timeout_at(until_s):
                receipt = await self._producer.send(topic, message.value, key=message.key, headers=headers)
        except (RelearnError, TimeoutError) as exc:
            self._release(client, _size_bytes(message))
            return exc
        receipt.add_done_callback(partial(self._done, topic, client, _size_bytes(message)))
        return receipt

    def _done(self, topic: str, client: str, size_bytes: int, receipt: asyncio.Future[Receipt]) -> None:
        self._release(client, size_bytes)
        if not receipt.cancelled() and receipt.exception() is None:
            self._on_receipt(topic, receipt.result())


def _size_bytes(message: OutgoingMessage) -> int:
    """Approximate memory use of a message in flight."""
    return len(message.value) + len(message.key or b"") + _OVERHEAD_BYTES


def _outcome(handed: asyncio.Future[Receipt] | Exception) -> Outcome:
    """The receipt of a message, or why it isn't acknowledged."""
    if isinstance(handed, asyncio.Future):
        if not handed.done():
            return KafkaUnavailable("Kafka doesn't acknowledge in time")
        fault = handed.exception()
        if fault is None:
            return handed.result()
    else:
        fault = handed
    if isinstance(fault, TimeoutError):
        return KafkaUnavailable("Kafka doesn't acknowledge in time")
    if not isinstance(fault, RelearnError):
        raise fault
    return fault
