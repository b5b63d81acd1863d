"""The model feed: every process that scores reads the whole of `model-updates` by itself, outside any group.

The topic is compacted and small. A process reads it from the start, is caught up when its position has reached the end
that the topic had when it began, and goes on listening. Transactions leave control records and compaction leaves holes,
so it is positions that count, not records.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiokafka
import faust
import structlog
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from mode import Service

from agents.kafka import aiokafka_config
from agents.keys import load_verifier
from agents.live_model import LiveModel
from agents.swap import Swapper
from schemas.errors import KafkaUnavailable
from schemas.settings import Settings
from schemas.topics import INGEST_MAX_BYTES, topic_name

log = structlog.get_logger()

POLL_MS = 200
AGAIN_S = 1.0


class CaughtUp:
    """Stands among the values where everything that was on the topic at the start has been read."""


async def model_updates(settings: Settings, client_id: str) -> AsyncIterator[bytes | CaughtUp | None]:
    """The values of `model-updates` from its first, then a CaughtUp, then those to come, for ever.

    A broker that goes away is waited for, and the topic read again from its start: updates are ordered by activation,
    so reading one twice changes nothing.
    """
    while True:
        consumer = aiokafka.AIOKafkaConsumer(
            **aiokafka_config(settings),
            client_id=f"{client_id}-models",
            group_id=None,
            enable_auto_commit=False,
            isolation_level="read_committed",
            max_partition_fetch_bytes=INGEST_MAX_BYTES,
        )
        try:
            await consumer.start()
            async for value in _from_start(consumer, topic_name(settings.namespace, "model-updates")):
                yield value
        except (KafkaError, KafkaUnavailable, OSError) as exc:
            log.warning("model_feed_waits", error=str(exc) or type(exc).__name__)
        finally:
            await consumer.stop()
        await asyncio.sleep(AGAIN_S)


async def _from_start(consumer: Any, topic: str) -> AsyncIterator[bytes | CaughtUp | None]:
    partition = TopicPartition(topic, 0)
    if topic not in await consumer.topics():
        raise KafkaUnavailable(f"there is no topic {topic}; run `relearn migrate`")
    consumer.assign([partition])
    await consumer.seek_to_beginning(partition)
    end = (await consumer.end_offsets([partition]))[partition]
    caught_up = False
    while True:
        fetched = await consumer.getmany(timeout_ms=POLL_MS)
        for record in fetched.get(partition, ()):
            yield record.value
        if not caught_up and await consumer.position(partition) >= end:
            caught_up = True
            yield CaughtUp()


class ModelFeed(Service):
    """Reads the topic for as long as the app runs, into the channel that the swap agent consumes."""

    def __init__(self, app: faust.App, settings: Settings, channel: Any) -> None:
        super().__init__()
        self.caught_up = asyncio.Event()
        self._app = app
        self._settings = settings
        self._channel = channel

    @Service.task
    async def _read(self) -> None:
        try:
            async for value in model_updates(self._settings, self._app.conf.broker_client_id):
                await self._channel.put(value)
        except Exception as exc:
            log.exception("crashed", error=repr(exc))
            await self._app.crash(exc)


def attach_model_feed(app: faust.App, settings: Settings, live: LiveModel) -> ModelFeed:
    """Keep `live` the namespace's champion for as long as `app` runs; `caught_up` is set after the first reading.

    Raises:
        SettingsError: there is no key to verify with.
    """
    channel: Any = app.channel()
    feed = ModelFeed(app, settings, channel)
    swapper = Swapper(live, load_verifier(settings), settings.namespace)

    async def swap_model(stream: Any) -> None:
        async for value in stream:
            if isinstance(value, CaughtUp):
                feed.caught_up.set()
            else:
                swapper.take(value)

    app.agent(channel)(swap_model)
    app.service(feed)  # type: ignore[arg-type] # takes an instance as well as a class
    return feed
