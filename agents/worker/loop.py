"""The loop of every agent: take a chunk, hand it to the handler, await its receipts, then mark it as done.

No exception leaves the loop. A chunk whose receipts fail because a server is unavailable, or because a person must
mend the deployment, is handled again. Any other error that the handler does not treat itself ends the process; its
supervisor starts it again with the offsets unchanged. Faust alone would restart the agent and lose the event in hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import faust

from relearn.agents.availability.progress import count_progress_by
from relearn.agents.availability.retry import Retry, Stopping, Wait, sleep_unless_stopped
from relearn.agents.kafka.producer import Acknowledged
from relearn.agents.quarantine.guard import Quarantine
from relearn.agents.quarantine.in_hand import Note
from relearn.agents.worker.consumer import Chunk
from relearn.agents.worker.shutdown import crash_by_chunk
from relearn.agents.worker.state import WorkerState
from relearn.schemas.errors import SetupError, Unavailable

Receipts = Sequence[Awaitable[Any]]
Handler = Callable[[Chunk], Awaitable[Receipts]]


#: Acknowledgements that take longer are the worker's condition.
SLOW_S = 5.0


async def process_chunks(
    app: faust.App, state: WorkerState, stream: Any, handle: Handler, *, stop: Callable[[], bool], in_flight: int = 1
) -> None:
    """Run `handle` on each chunk, in order, one at a time, and await its receipts, of up to `in_flight` chunks at once.

    A chunk is done when all its receipts are awaited. `handle` may raise Stopping, and must be safe to repeat: a chunk
    is handled again if it or a receipt raises Unavailable or SetupError. Any other error ends the process. `stop()`:
    whether the worker must give up its chunks.
    """
    count_progress_by(state.progressed)
    quarantine: Quarantine | None = getattr(app, "quarantine", None)
    if quarantine is not None:
        state.waiting = quarantine.notes.excused
    loop = _Loop(app, state, handle, Retry(state, stop), quarantine)
    places = asyncio.Semaphore(in_flight)
    finishing: set[asyncio.Task[None]] = set()
    async for chunk in stream:
        chunk.start()
        await places.acquire()
        if await loop.suspicious(chunk):
            if finishing:
                await asyncio.wait(finishing)
            await loop.process_in_parts(chunk)
            places.release()
            continue
        note = loop.note(chunk)
        receipts = await loop.handled(chunk, note)
        if receipts is None:
            places.release()
            continue
        task = asyncio.create_task(loop.process_receipts(chunk, note, receipts))
        finishing.add(task)
        task.add_done_callback(finishing.discard)
        task.add_done_callback(lambda _: places.release())


@dataclass(frozen=True, slots=True)
class _Loop:
    """What the steps of one agent share. `turn`: one chunk is handled at a time, also when it is handled again.

    A chunk is noted as in hand until it is done or given up. An error that ends the process leaves the note.
    """

    app: faust.App
    state: WorkerState
    handle: Handler
    retry: Retry
    quarantine: Quarantine | None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def suspicious(self, chunk: Chunk) -> bool:
        """Whether a message of the chunk was in hand at a death of a worker. False if the worker stops."""
        if self.quarantine is None:
            return False
        try:
            await self.retry.until_available(self.quarantine.prepare, "Postgres")
        except Stopping:
            return False  # the handler stops as well
        return self.quarantine.suspicious(chunk.topic_id, chunk.records)

    def note(self, chunk: Chunk) -> Note | None:
        """The note that the chunk is in hand."""
        return None if self.quarantine is None else self.quarantine.in_hand(chunk.topic_id, chunk.records)

    async def process_in_parts(self, chunk: Chunk) -> None:
        """Handle a suspicious chunk part by part; each part is done before the next one is in hand."""
        if self.quarantine is None:
            return
        for records in self.quarantine.parts(chunk.topic_id, chunk.records):
            part = replace(chunk, records=records)
            try:
                await sleep_unless_stopped(self.quarantine.pause_s(chunk.topic_id, records), stop=self.retry.stop)
            except Stopping:
                chunk.abandon()
                return
            note = self.note(part)
            receipts = await self.handled(part, note)
            if receipts is None or not await self.finish(part, note, receipts):
                return
        self.quarantine.passed(chunk.topic_id, chunk.records)
        chunk.done()

    async def process_receipts(self, chunk: Chunk, note: Note | None, receipts: Receipts) -> None:
        """Await the receipts of a chunk, which is done then."""
        if await self.finish(chunk, note, receipts):
            chunk.done()

    async def handled(self, chunk: Chunk, note: Note | None) -> Receipts | None:
        """The receipts of one chunk; None if the chunk is given up, or the process ends."""

        async def attempt() -> Receipts:
            async with self.turn:
                return await self.handle(chunk)

        try:
            return await self.retry.until_available(attempt)
        except Stopping:
            _give_up(chunk, note)
        except Exception as exc:  # noqa: BLE001 - ends the process
            await _crash(self.app, chunk, exc)
        return None

    async def finish(self, chunk: Chunk, note: Note | None, given: Receipts) -> bool:
        """Await the receipts; handle the chunk again while one of them fails for a reason that can change.

        False if the chunk is given up, or the process ends.
        """
        receipts: Receipts | None = given
        with ExitStack() as shown:
            wait = Wait(self.retry, "Kafka and Postgres", shown)
            try:
                while receipts is not None:
                    try:
                        await self._acknowledged(receipts)
                    except (Unavailable, SetupError) as exc:
                        await wait.after(exc)
                        receipts = await self.handled(chunk, note)
                    else:
                        wait.end()
                        self.state.progressed()
                        if note is not None:
                            note.strike_out()
                        return True
            except Stopping:
                _give_up(chunk, note)
            except Exception as exc:  # noqa: BLE001 - ends the process
                await _crash(self.app, chunk, exc)
            return False

    async def _acknowledged(self, receipts: Receipts) -> None:
        """Await all receipts. Raises the first error after that, so that no error is left behind."""
        failed: Exception | None = None
        with _shown_when_slow(self.state, receipts):
            for receipt in receipts:
                try:
                    await receipt
                except Exception as exc:  # noqa: BLE001 - raised below
                    failed = failed or exc
        if failed is not None:
            raise failed


@contextmanager
def _shown_when_slow(state: WorkerState, receipts: Receipts) -> Iterator[None]:
    """The condition is `waiting for Kafka` from SLOW_S on, if these are acknowledgements of the broker.

    librdkafka sends a message again until the broker answers, without an error.
    """
    if not any(isinstance(receipt, (asyncio.Future, Acknowledged)) for receipt in receipts):
        yield
        return
    with ExitStack() as shown:
        condition = state.meanwhile("waiting for Kafka")
        timer = asyncio.get_running_loop().call_later(SLOW_S, shown.enter_context, condition)
        try:
            yield
        finally:
            timer.cancel()


def _give_up(chunk: Chunk, note: Note | None) -> None:
    if note is not None:
        note.strike_out()
    chunk.abandon()


async def _crash(app: faust.App, chunk: Chunk, exc: BaseException) -> None:
    chunk.abandon()
    await crash_by_chunk(app, exc, records=len(chunk.records))
