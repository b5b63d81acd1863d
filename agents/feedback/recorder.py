"""Recording feedback: the statements of each chunk become rows in Postgres.

A statement that arrives before its prediction is stored waits in a table, and the sweep records it later. Recorded rows
are appended to the live events.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import structlog

from relearn.agents.availability.clock_jumps import ClockJumps
from relearn.agents.availability.open_once import OpenOnce
from relearn.agents.availability.retry import Retry
from relearn.agents.kafka.connections import Connections, connect
from relearn.agents.kafka.topics import check_log_append_time
from relearn.agents.stores.feedback.corrections import Taken, store_feedback
from relearn.agents.stores.feedback.waiting_rows import BEGIN, forget_waiting
from relearn.agents.stores.feedback.waiting_sweep import Swept, sweep_waiting
from relearn.agents.stores.live.event_content import correction_events
from relearn.agents.stores.live.events import EventLog
from relearn.agents.stores.redis import open_redis
from relearn.agents.worker.consumer import Chunk
from relearn.agents.worker.loop import Receipts
from relearn.agents.worker.state import WorkerState
from relearn.schemas.messages.feedback import decode_feedback_messages
from relearn.schemas.messages.records import Reject
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name

T = TypeVar("T")
log = structlog.get_logger()

#: The time between sweeps while statements wait, and the longest time between sweeps while none does.
SWEEP_EVERY_S = 0.2
IDLE_S = 1.0
#: One connection each for the agent, the sweep and two watches, and one spare.
POOL_SIZE = 5


class Recorder:
    """The handler of the feedback agent. Nothing is opened before the first call.

    `stop()`: whether the worker is asked to stop. `moving()`: whether a rebalance is in progress.
    """

    def __init__(
        self, settings: Settings, state: WorkerState, *, stop: Callable[[], bool], moving: Callable[[], bool]
    ) -> None:
        #: True once Kafka and Postgres have answered.
        self.ready = False
        #: Set when there are new rows in `corrections`.
        self.news = asyncio.Event()
        self.topic = topic_name(settings.namespace, "feedback")
        self.stop = stop
        #: For the tasks, which continue during a rebalance, and for the agent, which must give up its chunk then.
        self.retry = Retry(state, stop)
        self._chunk_retry = Retry(state, lambda: stop() or moving())
        self._settings = settings
        self._state = state
        self._something_waits = asyncio.Event()
        self._redis = open_redis(settings)
        self._events = EventLog(self._redis, settings.namespace)
        self._opened = OpenOnce(self._open)

    async def take(self, chunk: Chunk) -> Receipts:
        """Store one chunk's feedback; the receipts are those of the dead letters.

        Raises:
            Stopping: asked to stop, or to give up the partitions, while a server is away; the chunk is read again.
        """
        opened = await self.opened()
        began = time.perf_counter()
        generation = await self._chunk_retry.until_available(lambda: opened.generations.of(chunk.topic, chunk.topic_id))
        statements, rejects = decode_feedback_messages(chunk.records, generation)
        taken = await self._chunk_retry.until_available(lambda: store_feedback(opened.pool, statements))
        self._state.records += len(chunk.records)
        await self._tell(taken)
        log.debug("feedback_stored", **_counts(taken), ms=round(1000 * (time.perf_counter() - began), 2))
        refused = [Reject(statement.message, fault) for statement, fault in taken.refused]
        return await opened.dead_letters.send([*rejects, *refused], generation)

    async def sweep(self) -> None:
        """Until asked to stop: record or expire the statements that wait for their prediction.

        Raises:
            Stopping: asked to stop while a server is away.
        """
        opened, after, jumps = await self.opened(), BEGIN, ClockJumps()
        while not self.stop():
            await self._events.tend()
            look = partial(
                sweep_waiting, topic=self.topic, wait_s=self._settings.feedback_wait_s, after=after, jumps=jumps
            )
            swept = await self.retry.until_available(partial(look, opened.pool))
            self.ready = True
            after = swept.after
            if swept.taken.rows or swept.taken.duplicates or swept.expired:
                await self._settle(opened, swept)
            else:
                await self._rest(something_waits=swept.taken.waiting > 0)

    async def _settle(self, opened: Connections, swept: Swept) -> None:
        """Send expired statements as dead letters, and delete their rows once the broker has acknowledged them."""
        await self._tell(swept.taken)
        log.debug("feedback_swept", **_counts(swept.taken), expired=len(swept.expired))
        await self.retry.until_available(lambda: self._reject(opened, swept), "Kafka")
        expired = [one.message for one in swept.expired]
        if expired:
            await self.retry.until_available(lambda: forget_waiting(opened.pool, expired))

    async def _reject(self, opened: Connections, swept: Swept) -> None:
        """Send the expired statements as dead letters. May be repeated."""
        receipts: list[Awaitable[Any]] = []
        for generation in sorted({one.message.generation for one in swept.expired}):
            rejects = [Reject(*one) for one in swept.expired if one.message.generation == generation]
            receipts += await opened.dead_letters.send(rejects, generation)
        for receipt in receipts:
            await receipt

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

    async def opened(self) -> Connections:
        """The connections, opened at the first call, after the check that the broker stamps the topic's messages.

        Raises:
            Stopping: asked to stop while Kafka is unavailable.
            SetupError: the topic can't be used.
        """
        return await self._opened.get()

    async def _open(self) -> Connections:
        settings = self._settings
        await self.retry.until_available(lambda: check_log_append_time(settings, self.topic))
        return await connect(settings, self._state.id, self.retry, agent="feedback", pool_size=POOL_SIZE)

    async def close(self, *_: Any, **__: Any) -> None:
        """Flush the dead letters, and disconnect."""
        if self._opened.value is not None:
            await self._opened.value.close()
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
