"""Sending dead letters again, record by record; each is marked when the broker has acknowledged it, not before."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from confluent_kafka import KafkaException

from agents.publish import Publisher, Receipt
from agents.stores.dead_letters import DeadLetterRow, Original, list_dead_letters, mark_redriven, original_of
from agents.stores.postgres import Pool
from agents.topic_admin import admin_client, topic_id
from schemas.errors import KafkaUnavailable
from schemas.headers import Headers, cloud_event
from schemas.identity import Place
from schemas.ingest import CE_ONE
from schemas.settings import Settings
from scripts.cut_out import cut_out

HEADER = "redrive-of"
#: So many are on their way at a time.
AT_ONCE = 200
RECEIPT_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Redriven:
    """How it went. `refused` are ids with what the broker said."""

    acknowledged: int
    refused: Sequence[tuple[int, str]]


async def redrive(
    settings: Settings, pool: Pool, rows: Sequence[DeadLetterRow], on_progress: Callable[[int], None]
) -> Redriven:
    """Send the records of `rows` again, each to the topic that it came from; `on_progress` is told how many are done.

    A record that stood among others is cut out and sent alone, so that its good neighbours aren't scored twice.

    Raises:
        KafkaUnavailable, PostgresUnavailable: what isn't marked by then may be sent again.
        SetupError: a topic isn't there.
    """
    admin = admin_client(settings)
    for topic in sorted({row.topic for row in rows}):
        await topic_id(admin, topic)
    publisher = Publisher(settings, f"{settings.namespace}-dlq")
    acknowledged, refused = 0, []
    left = iter(rows)
    try:
        while some := list(islice(left, AT_ONCE)):
            receipts = [await _send(settings, publisher, pool, row) for row in some]
            for row, receipt in zip(some, receipts, strict=True):
                try:
                    await asyncio.wait_for(receipt, RECEIPT_TIMEOUT_S)
                except KafkaException as exc:
                    refused.append((row.id, exc.args[0].str()))
                    continue
                except TimeoutError as exc:
                    said = f"Kafka has not acknowledged dead letter {row.id} within {RECEIPT_TIMEOUT_S:.0f} s"
                    raise KafkaUnavailable(said) from exc
                acknowledged += await mark_redriven(pool, row.id, time.time())
                on_progress(acknowledged + len(refused))
    finally:
        await publisher.close()
    return Redriven(acknowledged, refused)


async def open_letters(pool: Pool, reason: str | None) -> list[DeadLetterRow]:
    """Every dead letter that was not sent again, the oldest first."""
    found: list[DeadLetterRow] = []
    while page := await list_dead_letters(
        pool, limit=1000, before_id=found[-1].id if found else None, reason=reason, open_only=True
    ):
        found += page
    return found[::-1]


def place_of(row: DeadLetterRow) -> Place:
    """Where the record stands, or stood."""
    return Place(row.generation, row.partition, row.offset, row.index)


async def _send(settings: Settings, publisher: Publisher, pool: Pool, row: DeadLetterRow) -> asyncio.Future[Receipt]:
    original = await original_of(pool, row) or Original(None, None, [])
    one = cut_out(original.value, row.index, row.reason)
    value = original.value if one is None else one
    headers = redrive_headers(original, place_of(row), f"/{settings.namespace}/dlq", time.time())
    return await publisher.send(row.topic, value, key=original.key, headers=headers)


def redrive_headers(original: Original, place: Place, source: str, now_s: float) -> Headers:
    """The original's own headers, new CloudEvents ones, and the place that the record had."""
    kept = [(name, text.encode()) for name, text in original.headers if not name.startswith("ce_") and name != HEADER]
    return [*kept, *cloud_event(CE_ONE, source, now_s=now_s), (HEADER, str(place).encode())]
