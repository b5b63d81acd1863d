"""Sending dead letters again, record by record; each is marked when the broker has acknowledged it, not before.

A letter is locked while it is on its way: two who ask for the same at once send it once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaException

from agents.cut_out import readable
from agents.publish import Publisher, Receipt
from agents.resent import resent
from agents.stores.dead_letters import DeadLetterRow, Original, lock_open, mark_redriven, original_of
from agents.stores.postgres import Connection, Pool, translated
from schemas.errors import KafkaUnavailable, Refused

#: So many are on their way at a time.
AT_ONCE = 200
RECEIPT_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Redriven:
    """How it went. `refused` are ids with the reason. What is neither was sent by somebody else meanwhile."""

    acknowledged: int
    refused: Sequence[tuple[int, str]]


async def redrive(
    pool: Pool,
    publisher: Publisher,
    namespace: str,
    ids: Sequence[int],
    on_progress: Callable[[int], None] = lambda done: None,
) -> Redriven:
    """Send the records of these dead letters again, each to the topic that it came from.

    `on_progress` is told how many are done.

    Raises:
        KafkaUnavailable, PostgresUnavailable: what isn't marked by then may be sent again.
    """
    acknowledged, refused = 0, []
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        with translated():
            async with pool.acquire() as connection, connection.transaction():
                sent = await _send(connection, publisher, namespace, some)
                acknowledged += sum([await mark_redriven(connection, one, time.time()) for one in sent.acknowledged])
        if sent.away is not None:
            raise sent.away
        refused += sent.refused
        on_progress(start + len(some))
    return Redriven(acknowledged, refused)


@dataclass(slots=True)
class _Sent:
    """What became of some. `away`: of others it isn't known whether they arrived."""

    acknowledged: list[int] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    away: KafkaUnavailable | None = None

    def note(self, letter_id: int, receipt: asyncio.Future[Receipt]) -> None:
        """What the broker said of one, if anything."""
        if not receipt.done():
            receipt.cancel()
            said = f"Kafka has not acknowledged dead letter {letter_id} within {RECEIPT_TIMEOUT_S:.0f} s"
            self.away = KafkaUnavailable(said)
            return
        match receipt.exception():
            case None:
                self.acknowledged.append(letter_id)
            case KafkaUnavailable() as exc:
                self.away = exc
            case KafkaException() as exc:
                self.refused.append((letter_id, exc.args[0].str()))
            case exc:
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


async def _send(connection: Connection, publisher: Publisher, namespace: str, ids: Sequence[int]) -> _Sent:
    sent, originals = _Sent(), _Originals(connection)
    receipts: dict[int, asyncio.Future[Receipt]] = {}
    for row in await lock_open(connection, ids):
        original, message = await originals.of(row)
        try:
            topic, key, value, headers = resent(row, original, message, namespace=namespace, now_s=time.time())
        except Refused as exc:
            sent.refused.append((row.id, str(exc)))
        else:
            receipts[row.id] = await publisher.send(topic, value, key=key, headers=headers)
    if receipts:
        await asyncio.wait(receipts.values(), timeout=RECEIPT_TIMEOUT_S)
    for letter_id, receipt in receipts.items():
        sent.note(letter_id, receipt)
    return sent


class _Originals:
    """The letters' messages. The last one is kept, and read once: many records of one message follow each other."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._last: tuple[Any, Original, Mapping[Any, Any] | None] | None = None

    async def of(self, row: DeadLetterRow) -> tuple[Original, Mapping[Any, Any] | None]:
        """The message that the row's record stood in, and the map in its value, if it holds one."""
        place = (row.topic, row.generation, row.partition, row.offset, row.agent, row.agent == "store" and row.index)
        if self._last is None or self._last[0] != place:
            original = await original_of(self._connection, row) or Original(None, None, [])
            self._last = (place, original, readable(original.value) if original.value else None)
        return self._last[1:]
