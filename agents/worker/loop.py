"""The loop of every agent: take a chunk, hand it to the handler, await its receipts, then mark it as done.

No exception leaves the loop. An error that the handler does not treat itself ends the process; its supervisor starts
it again with the offsets unchanged. Faust alone would restart the agent and lose the event in hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import faust

from relearn.agents.availability.retry import Stopping
from relearn.agents.worker.consumer import Chunk
from relearn.agents.worker.shutdown import crash

Receipts = Sequence[Awaitable[Any]]
Handler = Callable[[Chunk], Awaitable[Receipts]]


async def process_chunks(app: faust.App, stream: Any, handle: Handler, *, in_flight: int = 1) -> None:
    """Run `handle` on each chunk, in order, one at a time, and await its receipts, of up to `in_flight` chunks at once.

    A chunk is done when all its receipts are awaited. `handle` may raise Stopping; any other error ends the process.
    """
    places = asyncio.Semaphore(in_flight)
    finishing: set[asyncio.Task[None]] = set()
    async for chunk in stream:
        chunk.start()
        await places.acquire()
        try:
            receipts = await handle(chunk)
        except Stopping:
            chunk.abandon()
            places.release()
        except Exception as exc:  # noqa: BLE001 - ends the process
            places.release()
            await _crash(app, chunk, exc)
        else:
            task = asyncio.create_task(_finish(app, chunk, receipts, places))
            finishing.add(task)
            task.add_done_callback(finishing.discard)


async def _finish(app: faust.App, chunk: Chunk, receipts: Receipts, places: asyncio.Semaphore) -> None:
    try:
        for receipt in receipts:
            await receipt
    except Stopping:
        chunk.abandon()
    except Exception as exc:  # noqa: BLE001 - ends the process
        await _crash(app, chunk, exc)
    else:
        chunk.done()
    finally:
        places.release()


async def _crash(app: faust.App, chunk: Chunk, exc: BaseException) -> None:
    chunk.abandon()
    await crash(app, exc, records=len(chunk.records))
