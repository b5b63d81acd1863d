"""The model feed: every process that scores reads the whole of `model-updates` by itself, outside any group.

model-updates ── model_updates() ──▶ channel ──▶ agent: Swapper.apply ──▶ LiveModel
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import faust
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from mode.utils.queues import FlowControlEvent, ThrowableQueue

from relearn.agents.kafka.admin import Admin
from relearn.agents.kafka.config import aiokafka_config
from relearn.agents.kafka.topics import admin_client, topic_id
from relearn.agents.models.apply import Swapper
from relearn.agents.models.live import LiveModel
from relearn.agents.models.signing_keys import load_verifier
from relearn.agents.worker.shutdown import crash
from relearn.schemas.errors import KafkaUnavailable, SetupError
from relearn.schemas.model.signing import Verifier
from relearn.schemas.settings import Settings
from relearn.schemas.topics import INGEST_MAX_BYTES, topic_name

log = structlog.get_logger()

_POLL_MS = 500
_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 3.0
#: How often to look whether the topic is still the one that is being read.
_CHECK_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class FeedMessage:
    """One message of the topic, unread."""

    key: bytes | None
    value: bytes | None
    offset: int


@dataclass(frozen=True, slots=True)
class FromTheStart:
    """Reading begins at the topic's first message: at the start, after an error, or because the topic was made anew."""


@dataclass(frozen=True, slots=True)
class UpTo:
    """Everything below offset `position` has been handed out; `caught_up` once all that was there at the start has."""

    position: int
    caught_up: bool


FeedEvent = FeedMessage | FromTheStart | UpTo


async def model_updates(settings: Settings) -> AsyncGenerator[FeedEvent, None]:
    """Everything on the topic, from its first message, for ever. Waits through a broker's absence.

    Only committed messages are seen. Close it (`contextlib.aclosing`) to disconnect. A topic that isn't there is waited
    for too: nobody but `relearn migrate` makes it.
    """
    topic = topic_name(settings.namespace, "model-updates")
    admin = admin_client(settings)
    wait_s = _FIRST_WAIT_S
    while True:
        try:
            found = await topic_id(admin, topic)
            async with aclosing(_read(settings, TopicPartition(topic, 0), admin, found)) as events:
                async for event in events:
                    wait_s = _FIRST_WAIT_S
                    yield event
        except (KafkaUnavailable, SetupError, KafkaError) as exc:
            log.warning("model_feed_waits", error=str(exc) or type(exc).__name__)
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


async def _read(settings: Settings, tp: TopicPartition, admin: Admin, found: str) -> AsyncGenerator[FeedEvent, None]:
    """Read from the first message until the topic is another one."""
    consumer = AIOKafkaConsumer(
        group_id=None,
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=INGEST_MAX_BYTES,
        **aiokafka_config(settings),
    )
    starting = asyncio.ensure_future(consumer.start())
    try:
        await asyncio.shield(starting)
        consumer.assign([tp])
        await consumer.seek_to_beginning(tp)
        end = (await consumer.end_offsets([tp]))[tp]
        yield FromTheStart()
        checked_s, position = time.monotonic(), -1
        while True:
            fetched = await consumer.getmany(tp, timeout_ms=_POLL_MS)
            for record in fetched.get(tp, ()):
                yield FeedMessage(record.key, record.value, record.offset)
            # Not the last record's offset: transaction markers and what compaction took count as well.
            before, position = position, await consumer.position(tp)
            if position < before:
                return
            if position != before:
                yield UpTo(position, position >= end)
            if time.monotonic() - checked_s > _CHECK_EVERY_S:
                checked_s = time.monotonic()
                if await _is_another(admin, tp.topic, found):
                    return
    finally:
        # Cancelled in the midst of connecting, aiokafka would leave that connection open.
        await asyncio.wait([starting])
        await consumer.stop()


async def _is_another(admin: Admin, topic: str, found: str) -> bool:
    """Whether the topic was deleted and made again since; a broker that doesn't answer, or no topic, is no news."""
    try:
        return await topic_id(admin, topic) != found
    except (KafkaUnavailable, SetupError):
        return False


class ModelFeed:
    """What a process knows of the topic, after each event that it took."""

    def __init__(self, swapper: Swapper) -> None:
        #: Set once everything that stood on the topic at the start has been taken, and for ever after.
        self.caught_up = asyncio.Event()
        self.swapper = swapper
        #: How often the topic was begun, whether this reading has come to the end that it had then, and how far it is.
        self.readings = 0
        self.complete = False
        self.position = 0
        #: The last value under each key, whatever it holds.
        self.latest: dict[bytes, bytes | None] = {}

    def take(self, event: FeedEvent) -> None:
        """Process one event of `model_updates`, in order."""
        match event:
            case FeedMessage(key, value, offset):
                self.position = offset + 1
                if key is not None:
                    self.latest[key] = value
                self.swapper.apply(value)
            case FromTheStart():
                self.readings += 1
                self.complete, self.position, self.latest = False, 0, {}
            case UpTo(position, caught_up):
                self.position = position
                if caught_up:
                    self.complete = True
                    self.caught_up.set()


def attach_model_feed(
    app: faust.App, settings: Settings, live: LiveModel, verifier: Verifier | None = None
) -> ModelFeed:
    """Add to `app` the task that reads the topic and the agent that swaps; `caught_up` says when `live` is current.

    Raises:
        SettingsError: there is no key to verify models with.
    """
    feed = ModelFeed(Swapper(live, verifier or load_verifier(settings), settings.namespace))
    channel: Any = _FeedChannel(app)

    async def swap_models(stream: Any) -> None:
        async for event in stream:
            try:
                feed.take(event)
            except Exception as exc:  # noqa: BLE001 - ends the process
                await crash(app, exc)

    async def read_feed() -> None:
        try:
            async with aclosing(model_updates(settings)) as events:
                async for event in events:
                    await channel.put(event)
        except Exception as exc:  # noqa: BLE001 - ends the process
            await crash(app, exc)

    app.agent(channel)(swap_models)
    app.task(read_feed)
    return feed


class _FeedChannel(faust.Channel[Any]):
    """A channel that keeps what it holds: Faust empties those of its own at each rebalance of the consumer group."""

    @property
    def queue(self) -> Any:
        if self._queue is None:
            self._queue = ThrowableQueue(maxsize=16, flow_control=FlowControlEvent(initially_suspended=False))
        return self._queue
