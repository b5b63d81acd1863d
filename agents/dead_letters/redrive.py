"""Sending dead letters again, record by record. A letter is marked after the broker has acknowledged its record.

A letter is locked while its record is in flight: two requests at once send it once.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from relearn.agents.dead_letters.extract import decode_map
from relearn.agents.dead_letters.original import OriginalReader
from relearn.agents.dead_letters.redriven_message import redriven_message
from relearn.agents.kafka.limits import MessageLimits
from relearn.agents.kafka.producer import KafkaProducer, Receipt
from relearn.agents.stores.dead_letters import DeadLetterRow, Original, lock_open, mark_redriven, original_of
from relearn.agents.stores.postgres import Connection, Pool, postgres_errors
from relearn.schemas.errors import KafkaUnavailable, Refused, RejectedMessage, SetupError
from relearn.schemas.messages.headers import message_bytes
from relearn.schemas.settings import Settings

#: Maximum number of letters in flight, and maximum size of their values together.
AT_ONCE = 200
AT_ONCE_BYTES = 8 * 1024 * 1024
ACKNOWLEDGED_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Redriven:
    """The outcome. `refused` are ids with the reason. Letters in neither were sent by another request meanwhile."""

    acknowledged: int
    refused: Sequence[tuple[int, str]]


async def redrive(
    settings: Settings,
    pool: Pool,
    producer: KafkaProducer,
    limits: MessageLimits,
    ids: Sequence[int],
    *,
    timeout_s: float = ACKNOWLEDGED_WITHIN_S,
    on_progress: Callable[[int], None] = lambda done: None,
) -> Redriven:
    """Send the records of these dead letters again, the oldest first, each to the topic that it came from.

    Where a letter holds a part of its message, the message is read from its topic.

    `on_progress` receives the number of finished letters. `timeout_s`: how long to wait for the acknowledgements of one
    batch.

    Raises:
        KafkaUnavailable, PostgresUnavailable: letters that are not marked by then may be sent again.
    """
    acknowledged, refused = 0, []
    left = sorted(ids)
    while left:
        with postgres_errors():
            async with pool.acquire() as connection, connection.transaction():
                sender = _Sender(settings, connection, producer, limits)
                sent = await sender.send(left[:AT_ONCE], timeout_s)
                acknowledged += sum([await mark_redriven(connection, one, time.time()) for one in sent.acknowledged])
        if sent.away is not None:
            raise sent.away
        refused += sent.refused
        left = left[bisect_right(left, sent.until) :]
        on_progress(len(ids) - len(left))
    return Redriven(acknowledged, refused)


@dataclass(slots=True)
class _Sent:
    """The outcome of the letters up to id `until`. `away`: the acknowledgement of some is missing."""

    until: int
    acknowledged: list[int] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    away: KafkaUnavailable | None = None

    def note(self, letter_id: int, receipt: asyncio.Future[Receipt]) -> None:
        """Record the acknowledgement of one letter, if there is one."""
        if not receipt.done():
            receipt.cancel()
            self.away = KafkaUnavailable(f"Kafka has not acknowledged dead letter {letter_id} in time")
        elif (exc := receipt.exception()) is None:
            self.acknowledged.append(letter_id)
        else:
            self.fault(letter_id, exc)

    def fault(self, letter_id: int, exc: BaseException) -> None:
        """Record why the acknowledgement of one letter is missing."""
        match exc:
            case KafkaUnavailable():
                self.away = exc
            case Refused() | RejectedMessage() | SetupError():
                self.refused.append((letter_id, str(exc)))
            case _:
                raise exc


def sendable(row: DeadLetterRow | None, letter_id: int) -> DeadLetterRow:
    """The row itself.

    Raises:
        Refused: there is none, or it was sent again already.
    """
    if row is None:
        raise Refused(f"there is no dead letter {letter_id}")
    if row.redriven_at is not None:
        raise Refused(f"dead letter {letter_id} was sent again at {row.redriven_at:%Y-%m-%d %H:%M:%S} already")
    return row


class _Sender:
    """Sends letters within one transaction, which has them locked."""

    def __init__(
        self, settings: Settings, connection: Connection, producer: KafkaProducer, limits: MessageLimits
    ) -> None:
        self._settings = settings
        self._connection = connection
        self._producer = producer
        self._limits = limits
        self._originals = _Originals(settings, connection)

    async def send(self, ids: Sequence[int], timeout_s: float) -> _Sent:
        """Lock the first of these letters, send them, and wait for their acknowledgements."""
        try:
            sent, receipts = await self._hand_over(ids)
        finally:
            await self._originals.close()
        if receipts:
            await asyncio.wait(receipts.values(), timeout=timeout_s)
        for letter_id, receipt in receipts.items():
            sent.note(letter_id, receipt)
        return sent

    async def _hand_over(self, ids: Sequence[int]) -> tuple[_Sent, dict[int, asyncio.Future[Receipt]]]:
        sent, receipts = _Sent(until=0), dict[int, asyncio.Future[Receipt]]()
        size_bytes = 0
        for row in await lock_open(self._connection, ids):
            if size_bytes >= AT_ONCE_BYTES or sent.away is not None:
                break
            sent.until = row.id
            try:
                size, receipts[row.id] = await self._send(row)
            except (Refused, RejectedMessage, SetupError, KafkaUnavailable) as exc:
                sent.fault(row.id, exc)
            else:
                size_bytes += size
        else:
            sent.until = ids[-1]
        return sent, receipts

    async def _send(self, row: DeadLetterRow) -> tuple[int, asyncio.Future[Receipt]]:
        """Hand the record of one letter to the broker. Returns its size in bytes, and the future acknowledgement."""
        original, message = await self._originals.of(row)
        topic, key, value, headers = redriven_message(
            row, original, message, namespace=self._settings.namespace, now_s=time.time()
        )
        size_bytes = message_bytes(value, key, headers)
        await self._limits.check(topic, size_bytes, "the message")
        return size_bytes, await self._producer.send(topic, value, key=key, headers=headers)


class _Originals:
    """The original messages of letters. The last one is cached: many letters of one message follow each other."""

    def __init__(self, settings: Settings, connection: Connection) -> None:
        self._connection = connection
        self._reader = OriginalReader(settings, connection)
        self._last: tuple[Any, Original, Mapping[Any, Any] | None] | None = None
        self._refused: tuple[Any, Refused] | None = None

    async def of(self, row: DeadLetterRow) -> tuple[Original, Mapping[Any, Any] | None]:
        """The message that the row's record stood in, and the map in its value, if it holds one.

        Raises:
            Refused: the letter holds a part of the message, and Kafka doesn't have the message any more.
            KafkaUnavailable: retryable.
        """
        place = (row.topic, row.generation, row.partition, row.offset, row.agent, row.agent == "store" and row.index)
        if self._refused is not None and self._refused[0] == place:
            raise self._refused[1]
        if self._last is None or self._last[0] != place:
            original = await original_of(self._connection, row) or Original(None, None, [])
            if original.cut is not None:
                original = await self._whole(row, original, place)
            self._last = (place, original, decode_map(original.value) if original.value else None)
        return self._last[1:]

    async def _whole(self, row: DeadLetterRow, part: Original, place: Any) -> Original:
        try:
            return await self._reader.read(row, part)
        except Refused as exc:
            self._refused = (place, exc)
            raise

    async def close(self) -> None:
        """Disconnect."""
        await self._reader.close()
