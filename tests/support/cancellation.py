"""Cancelling a coroutine at each of its suspensions, one after the other."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from typing import Any


async def cancel_everywhere(work: Callable[[], Coroutine[Any, Any, object]], after: Callable[[int], Any]) -> int:
    """Run `work()` again and again, cancelled at its first suspension, its second, …, until it ends by itself.

    Each suspension is cancelled twice: before its result is there, and when the result is there and the coroutine has
    not gone on. `await after(suspension)` is called after each run. Returns the number of suspensions.
    """
    suspension = 0
    while True:
        for late in (False, True):
            run = asyncio.ensure_future(_run(work(), suspension, late))
            with suppress(asyncio.CancelledError):
                await run
            await after(suspension)
            if not run.cancelled():
                return suspension
        suspension += 1


async def _run(work: Coroutine[Any, Any, object], suspension: int, late: bool) -> None:
    await _driven(work, suspension, late)


@types.coroutine
def _driven(work: Coroutine[Any, Any, object], suspension: int, late: bool) -> Generator[Any, Any, None]:
    task, raised, number = asyncio.current_task(), None, 0
    assert task is not None
    while True:
        try:
            awaited = work.send(None) if raised is None else work.throw(raised)
        except StopIteration:
            return
        if number == suspension:
            if late and awaited is not None:
                yield from _done(awaited)
                awaited._asyncio_future_blocking = True
            task.cancel()
        number, raised = number + 1, None
        try:
            yield awaited
        except BaseException as exc:  # noqa: BLE001 - raised in `work`
            raised = exc


def _done(awaited: asyncio.Future[Any]) -> Generator[Any, Any, None]:
    """Return when `awaited` is done, without its result."""
    proxy = asyncio.get_running_loop().create_future()
    awaited._asyncio_future_blocking = False
    awaited.add_done_callback(lambda _: None if proxy.done() else proxy.set_result(None))
    yield from proxy
