"""The model feed: every process that scores reads all of `model-updates` by itself, outside any consumer group."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, get_args

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from relearn.agents.availability.backoff import Backoff
from relearn.agents.fetch.bounded_fetch import bound_fetches
from relearn.agents.kafka.admin import Admin
from relearn.agents.kafka.config import aiokafka_config
from relearn.agents.kafka.protocol import TopicIdsRequest
from relearn.agents.kafka.topics import topic_id
from relearn.agents.models.swapper import Swapper
from relearn.schemas.errors import KafkaUnavailable, SetupError
from relearn.schemas.model.signed_schema import SCHEMA_KEY
from relearn.schemas.model.signed_updates import Key
from relearn.schemas.settings import Settings
from relearn.schemas.topics import INGEST_MAX_BYTES, topic_name

log = structlog.get_logger()

_POLL_MS = 500
#: Until the end that the topic had at the start is reached: a topic without messages is complete at once.
_FIRST_POLL_MS = 10
_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 3.0
#: How often the reader checks that the topic was not deleted and created again, and that no record was deleted.
_CHECK_EVERY_S = 5.0
#: How long the broker may take for one answer: less than a worker has for its shutdown.
_ANSWER_TIMEOUT_S = 5.0
#: Any other key is one that a stranger wrote: it is applied, and refused, but not kept.
_KEYS = frozenset((SCHEMA_KEY, *(key.encode() for key in get_args(Key))))


@dataclass(frozen=True, slots=True)
class FeedMessage:
    """One message of the topic, not decoded."""

    key: bytes | None
    value: bytes | None
    offset: int


@dataclass(frozen=True, slots=True)
class FromTheStart:
    """Reading begins at the topic's first message: at the start, after an error, or because the topic is a new one."""


@dataclass(frozen=True, slots=True)
class UpTo:
    """Every message below offset `position` was yielded; `caught_up` once all that existed at the start were."""

    position: int
    caught_up: bool


FeedEvent = FeedMessage | FromTheStart | UpTo


async def model_updates(
    settings: Settings, on_wait: Callable[[str | None], None] = lambda error: None
) -> AsyncGenerator[FeedEvent, None]:
    """The messages of the topic from the first one on, without end. Retries while no broker is available.

    Only committed messages are yielded. Close the generator (`contextlib.aclosing`) to disconnect. A topic that doesn't
    exist is waited for too: `relearn migrate` makes it. `on_wait` is called with the error before each wait, and with
    None when reading goes on.
    """
    topic = topic_name(settings.namespace, "model-updates")
    backoff = Backoff(_FIRST_WAIT_S, _LONGEST_WAIT_S)
    with Admin(settings) as admin:
        while True:
            try:
                found = await topic_id(admin, topic)
                async with aclosing(_read(settings, TopicPartition(topic, 0), found)) as events:
                    async for event in events:
                        if backoff.failures:
                            backoff.reset()
                            on_wait(None)
                        yield event
            except (KafkaUnavailable, SetupError, KafkaError) as exc:
                error = str(exc) or type(exc).__name__
                log.warning("model_feed_waits", error=error)
                on_wait(error)
            await asyncio.sleep(backoff.next_s())


async def _read(settings: Settings, tp: TopicPartition, found: str) -> AsyncGenerator[FeedEvent, None]:
    """Read from the first message until the topic is a new one, or records that were read are deleted."""
    bound_fetches()
    consumer = AIOKafkaConsumer(
        group_id=None,
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=INGEST_MAX_BYTES,
        **aiokafka_config(settings),
    )
    starting = asyncio.ensure_future(_start(consumer, tp))
    try:
        begin, end = await asyncio.shield(starting)
        consumer.assign([tp])
        await consumer.seek_to_beginning(tp)
        yield FromTheStart()
        checked_s, position = time.monotonic(), -1
        while True:
            fetched = await consumer.getmany(tp, timeout_ms=_POLL_MS if position >= end else _FIRST_POLL_MS)
            for record in fetched.get(tp, ()):
                yield FeedMessage(record.key, record.value, record.offset)
            # Not the offset of the last record: transaction markers and what compaction removed count as well.
            before, position = position, await consumer.position(tp)
            if position < before:
                return
            if position != before:
                yield UpTo(position, position >= end)
            if time.monotonic() - checked_s > _CHECK_EVERY_S:
                checked_s = time.monotonic()
                if await _is_another(consumer, tp.topic, found) or await _begins_later(consumer, tp, begin):
                    return
    finally:
        await _to_the_end(_stop(consumer, starting))


async def _start(consumer: AIOKafkaConsumer, tp: TopicPartition) -> tuple[int, int]:
    """Connect, and read the topic's begin and end before the assignment: afterwards a fetch holds the connection.

    Raises:
        KafkaError, KafkaUnavailable: the broker doesn't answer.
    """
    await consumer.start()
    try:
        async with asyncio.timeout(_ANSWER_TIMEOUT_S):
            begin: int = (await consumer.beginning_offsets([tp]))[tp]
            end: int = (await consumer.end_offsets([tp]))[tp]
            return begin, end
    except TimeoutError as exc:
        raise KafkaUnavailable(f"Kafka doesn't return the end of {tp.topic}") from exc


async def _begins_later(consumer: AIOKafkaConsumer, tp: TopicPartition, begin: int) -> bool:
    """Whether the topic's first messages were deleted since. Compaction moves no begin. False: no answer."""
    try:
        async with asyncio.timeout(_ANSWER_TIMEOUT_S):
            now: int = (await consumer.beginning_offsets([tp]))[tp]
    except (TimeoutError, KafkaError):
        return False
    return now > begin


async def _stop(consumer: AIOKafkaConsumer, starting: asyncio.Future[tuple[int, int]]) -> None:
    """Disconnect. Cancelled while it connects, aiokafka would leave that connection open."""
    await asyncio.wait([starting])
    await consumer.stop()


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Await `work`, which no cancellation of this task interrupts: a process that ends cancels its tasks repeatedly."""
    task, cancelled = asyncio.create_task(work), False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            cancelled = True
    task.result()
    if cancelled:
        raise asyncio.CancelledError


async def _is_another(consumer: AIOKafkaConsumer, topic: str, found: str) -> bool:
    """Whether the topic was deleted and created again since. False while no broker answers, and without a topic.

    On the consumer's connection: confluent-kafka leaks 140 bytes per `describe_topics`, and this runs again and again.
    """
    client = consumer._client
    try:
        async with asyncio.timeout(_ANSWER_TIMEOUT_S):
            response = await client.send(client.get_random_node(), TopicIdsRequest([topic]))
    except (TimeoutError, KafkaError):
        return False
    return any(not code and (name, current) != (topic, found) for code, name, current, *_ in response.topics)


class ModelFeed:
    """The state of one reading of the topic, after each event that `take` has processed."""

    def __init__(self, swapper: Swapper) -> None:
        #: Set once every message that the topic had at the start was taken. Never cleared.
        self.caught_up = asyncio.Event()
        self.swapper = swapper
        #: How often reading began, whether this reading has reached the end that it had then, and its position.
        self.readings = 0
        self.complete = False
        self.position = 0
        #: The last value under each of the topic's keys, valid or not. Of other keys there may be any number.
        self.latest: dict[bytes, bytes | None] = {}

    def take(self, event: FeedEvent) -> None:
        """Process one event of `model_updates`, in order."""
        match event:
            case FeedMessage(key, value, offset):
                self.position = offset + 1
                if key is not None and key in _KEYS:
                    self.latest[key] = value
                if key == SCHEMA_KEY:
                    self.swapper.apply_schema(value)
                else:
                    self.swapper.apply(value)
            case FromTheStart():
                self.readings += 1
                self.complete, self.position, self.latest = False, 0, {}
            case UpTo(position, caught_up):
                self.position = position
                if caught_up:
                    self.complete = True
                    self.caught_up.set()
