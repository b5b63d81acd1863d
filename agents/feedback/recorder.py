"""Recording feedback: each chunk's statements to Postgres, those that come before their prediction when it is there.

What was recorded is then told to those who follow the live events.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import structlog

from relearn.agents.feedback.decode import decode_feedback_messages
from relearn.agents.kafka.generations import Generations
from relearn.agents.kafka.producer import KafkaProducer
from relearn.agents.kafka.topics import check_log_append_time
from relearn.agents.stores.feedback.corrections import Taken, store_feedback
from relearn.agents.stores.feedback.sweep import Swept, sweep_waiting
from relearn.agents.stores.feedback.waiting import BEGIN, forget_waiting
from relearn.agents.stores.live.correction_events import correction_events
from relearn.agents.stores.live.events import EventLog
from relearn.agents.stores.postgres import Pool, open_pool
from relearn.agents.stores.redis import open_redis
from relearn.agents.worker.driver import Chunk
from relearn.agents.worker.state import WorkerState
from relearn.agents.worker.loop import Receipts
from relearn.agents.availability.retry import retry_until_available
from relearn.schemas.messages.dead_letters import dead_letter_headers, dead_letters
from relearn.schemas.messages.records import Reject
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name

T = TypeVar("T")
log = structlog.get_logger()

#: Between sweeps while something waits, and for how long the next one may be put off where nothing does.
SWEEP_EVERY_S = 0.2
IDLE_S = 1.0
#: The agent, the sweep, two watches, and one to spare.
POOL_SIZE = 5


@dataclass(frozen=True, slots=True)
class Opened:
    """What is open while the worker works."""

    pool: Pool
    producer: KafkaProducer
    generations: Generations


class Recorder:
    """Writes down what is said. Nothing is opened before the first call.

    `stop()`: the worker is asked to end. `moving()`: partitions are being given to others.
    """

    def __init__(
        self, settings: Settings, state: WorkerState, *, stop: Callable[[], bool], moving: Callable[[], bool]
    ) -> None:
        #: True once Kafka and Postgres have answered.
        self.ready = False
        #: Set when there are new rows in `corrections`.
        self.news = asyncio.Event()
        self.topic = topic_name(settings.namespace, "feedback")
        self._settings = settings
        self._state = state
        self.stop = stop
        self._moving = moving
        self._source = f"/{settings.namespace}/{state.id}"
        self._something_waits = asyncio.Event()
        self._redis = open_redis(settings)
        self._events = EventLog(self._redis, settings.namespace)
        self._opening = asyncio.Lock()
        self._opened: Opened | None = None

    async def take(self, chunk: Chunk) -> Receipts:
        """Store one chunk's feedback; the receipts are those of the dead letters.

        Raises:
            Stopping: asked to stop, or to give up the partitions, while a server is away; the chunk is read again.
        """
        opened = await self.opened()
        began = time.perf_counter()
        generation = await self._until_available(
            lambda: opened.generations.current(chunk.ledger.epoch), while_moving=False
        )
        statements, rejects = decode_feedback_messages(chunk.records, generation)
        taken = await self._until_available(lambda: store_feedback(opened.pool, statements), while_moving=False)
        self._state.records += len(chunk.records)
        await self._tell(taken)
        log.debug("feedback_stored", **_counts(taken), ms=round(1000 * (time.perf_counter() - began), 2))
        refused = [Reject(statement.message, fault) for statement, fault in taken.refused]
        return await self._send(opened.producer, [*rejects, *refused], generation)

    async def sweep(self) -> None:
        """Until asked to stop: look after what waits.

        Raises:
            Stopping: asked to stop while a server is away.
        """
        opened, after = await self.opened(), BEGIN
        while not self.stop():
            await self._events.tend()
            look = partial(sweep_waiting, topic=self.topic, wait_s=self._settings.feedback_wait_s, after=after)
            swept = await self._until_available(partial(look, opened.pool))
            self.ready = True
            after = swept.after
            if swept.taken.rows or swept.taken.duplicates or swept.expired:
                await self._settle(opened, swept)
            else:
                await self._rest(something_waits=swept.taken.waiting > 0)

    async def _settle(self, opened: Opened, swept: Swept) -> None:
        """Send what has expired, and forget it once the broker has acknowledged that."""
        await self._tell(swept.taken)
        log.debug("feedback_swept", **_counts(swept.taken), expired=len(swept.expired))
        receipts: list[Awaitable[Any]] = []
        for generation in sorted({one.message.generation for one in swept.expired}):
            rejects = [Reject(*one) for one in swept.expired if one.message.generation == generation]
            receipts += await self._send(opened.producer, rejects, generation)
        for receipt in receipts:
            await receipt
        ids = [one.message.feedback for one in swept.expired]
        if ids:
            await self._until_available(lambda: forget_waiting(opened.pool, ids))

    async def _rest(self, *, something_waits: bool) -> None:
        await asyncio.sleep(SWEEP_EVERY_S)
        if not something_waits:
            with suppress(TimeoutError):
                async with asyncio.timeout(IDLE_S - SWEEP_EVERY_S):
                    await self._something_waits.wait()
        self._something_waits.clear()

    async def _tell(self, taken: Taken) -> None:
        if taken.waiting:
            self._something_waits.set()
        if taken.rows:
            self.news.set()
        await self._events.append(*correction_events(taken.recorded))

    async def _send(self, producer: KafkaProducer, rejects: Sequence[Reject], generation: int) -> Receipts:
        if rejects:
            reasons = Counter(reject.fault.reason for reject in rejects)
            log.info("dead_letters", **reasons, latest=rejects[-1].fault.detail, offset=rejects[-1].message.offset)
        topic = topic_name(self._settings.namespace, "dead-letters")
        return [
            await producer.send(topic, letter.value, key=letter.key, headers=dead_letter_headers(letter, self._source))
            for letter in dead_letters(rejects, agent="feedback", generation=generation, now_s=time.time())
        ]

    async def opened(self) -> Opened:
        """Connections, made when first needed; before that the topic is checked, whose time tells what came later.

        Raises:
            Stopping: asked to stop while Kafka is away.
            SetupError: the topic can't be used.
        """
        async with self._opening:
            if self._opened is None:
                await self._until_available(lambda: check_log_append_time(self._settings, self.topic))
                pool = await open_pool(self._settings, size=POOL_SIZE)
                producer = KafkaProducer(self._settings, self._state.id)
                self._opened = Opened(pool, producer, Generations(self._settings, pool, self.topic))
            return self._opened

    async def _until_available(self, call: Callable[[], Awaitable[T]], *, while_moving: bool = True) -> T:
        def stop() -> bool:
            return self.stop() or (not while_moving and self._moving())

        return await retry_until_available(call, what="Kafka and Postgres", stop=stop, state=self._state)

    async def close(self, *_: Any, **__: Any) -> None:
        """Flush the dead letters, and disconnect."""
        if self._opened is not None:
            await self._opened.producer.close()
            self._opened.pool.terminate()
        await self._redis.aclose()


def _counts(taken: Taken) -> dict[str, int]:
    """For the log."""
    return {
        "corrections": taken.corrections,
        "confirmations": taken.confirmations,
        "withdrawals": taken.withdrawals,
        "duplicates": taken.duplicates,
        "waiting": taken.waiting,
    }
