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
from relearn.agents.dead_letters.redriven_message import redriven_message
from relearn.agents.kafka.producer import KafkaProducer, Receipt
from relearn.agents.stores.dead_letters import DeadLetterRow, Original, lock_open, mark_redriven, original_of
from relearn.agents.stores.postgres import Connection, Pool, postgres_errors
from relearn.schemas.errors import KafkaUnavailable, Refused, RejectedMessage, SetupError

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
    pool: Pool,
    producer: KafkaProducer,
    namespace: str,
    ids: Sequence[int],
    *,
    timeout_s: float = ACKNOWLEDGED_WITHIN_S,
    on_progress: Callable[[int], None] = lambda done: None,
) -> Redriven:
    """Send the records of these dead letters again, the oldest first, each to the topic that it came from.

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
                sent = await _send(connection, producer, namespace, left[:AT_ONCE], timeout_s)
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


async def _send(
    connection: Connection, producer: KafkaProducer, namespace: str, ids: Sequence[int], timeout_s: float
) -> _Sent:
    sent, originals = _Sent(until=0), _Originals(connection)
    receipts: dict[int, asyncio.Future[Receipt]] = {}
    size_bytes = 0
    for row in await lock_open(connection, ids):
        if size_bytes >= AT_ONCE_BYTES or sent.away is not None:
            break
        sent.until = row.id
        original, message = await originals.of(row)
        try:
            topic, key, value, headers = redriven_message(
                row, original, message, namespace=namespace, now_s=time.time()
            )
            receipts[row.id] = await producer.send(topic, value, key=key, headers=headers)
            size_bytes += len(value or b"")
        except (Refused, KafkaUnavailable, RejectedMessage, SetupError) as exc:
            sent.fault(row.id, exc)
    else:
        sent.until = ids[-1]
    if receipts:
        await asyncio.wait(receipts.values(), timeout=timeout_s)
    for letter_id, receipt in receipts.items():
        sent.note(letter_id, receipt)
    return sent


class _Originals:
    """The original messages of letters. The last one is cached: many letters of one message follow each other."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._last: tuple[Any, Original, Mapping[Any, Any] | None] | None = None

    async def of(self, row: DeadLetterRow) -> tuple[Original, Mapping[Any, Any] | None]:
        """The message that the row's record stood in, and the map in its value, if it holds one."""
        place = (row.topic, row.generation, row.partition, row.offset, row.agent, row.agent == "store" and row.index)
        if self._last is None or self._last[0] != place:
            original = await original_of(self._connection, row) or Original(None, None, [])
            self._last = (place, original, decode_map(original.value) if original.value else None)
        return self._last[1:]
