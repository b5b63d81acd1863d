"""The loop of every agent: take a chunk, hand it to the handler, await its receipts, then mark it as done.

No exception leaves the loop. A chunk whose receipts fail because a server is unavailable, or because a person must
mend the deployment, is handled again. Any other error that the handler does not treat itself ends the process; its
supervisor starts it again with the offsets unchanged. Faust alone would restart the agent and lose the event in hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import faust

from relearn.agents.availability.progress import count_progress_by
from relearn.agents.availability.retry import Retry, Stopping, Wait
from relearn.agents.kafka.producer import Acknowledged
from relearn.agents.worker.consumer import Chunk
from relearn.agents.worker.shutdown import crash
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
    loop = _Loop(app, state, handle, Retry(state, stop))
    places = asyncio.Semaphore(in_flight)
    finishing: set[asyncio.Task[None]] = set()
    async for chunk in stream:
        chunk.start()
        await places.acquire()
        receipts = await loop.handled(chunk)
        if receipts is None:
            places.release()
            continue
        task = asyncio.create_task(loop.finish(chunk, receipts))
        finishing.add(task)
        task.add_done_callback(finishing.discard)
        task.add_done_callback(lambda _: places.release())


@dataclass(frozen=True, slots=True)
class _Loop:
    """What the steps of one agent share. `turn`: one chunk is handled at a time, also when it is handled again."""

    app: faust.App
    state: WorkerState
    handle: Handler
    retry: Retry
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def handled(self, chunk: Chunk) -> Receipts | None:
        """The receipts of one chunk; None if the chunk is given up, or the process ends."""

        async def attempt() -> Receipts:
            async with self.turn:
                return await self.handle(chunk)

        try:
            return await self.retry.until_available(attempt)
        except Stopping:
            chunk.abandon()
        except Exception as exc:  # noqa: BLE001 - ends the process
            await _crash(self.app, chunk, exc)
        return None

    async def finish(self, chunk: Chunk, receipts: Receipts | None) -> None:
        """Await the receipts; handle the chunk again while one of them fails for a reason that can change."""
        with ExitStack() as shown:
            wait = Wait(self.retry, "Kafka and Postgres", shown)
            try:
                while receipts is not None:
                    try:
                        await self._acknowledged(receipts)
                    except (Unavailable, SetupError) as exc:
                        await wait.after(exc)
                        receipts = await self.handled(chunk)
                    else:
                        wait.end()
                        self.state.progressed()
                        chunk.done()
                        return
            except Stopping:
                chunk.abandon()
            except Exception as exc:  # noqa: BLE001 - ends the process
                await _crash(self.app, chunk, exc)

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


async def _crash(app: faust.App, chunk: Chunk, exc: BaseException) -> None:
    chunk.abandon()
    await crash(app, exc, records=len(chunk.records))
