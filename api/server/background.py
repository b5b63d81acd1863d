"""Tasks that run beside the requests until the process ends: the model feed, health probes, reading of API keys.

If one of them ends, the process ends too: it would answer from an outdated model or with outdated API keys.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog
from aiohttp import web

log = structlog.get_logger()

_CANCEL_AGAIN_S = 0.2


class Background:
    """Endless tasks. `broken` is set when one of them has ended."""

    def __init__(self) -> None:
        self.broken = asyncio.Event()
        self._tasks: list[asyncio.Task[Any]] = []

    def start(self, name: str, work: Coroutine[Any, Any, Any], *, endless: bool = True) -> None:
        """Run `work` until `stop`. With `endless` False it may end by itself."""
        task = asyncio.create_task(work, name=name)
        self._tasks.append(task)
        if endless:
            task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Cancel all tasks, the last one first, and wait until they end. Their errors have been logged already.

        Cancels repeatedly: below Python 3.12 `wait_for`, which redis-py uses, may lose a cancellation.
        """
        for task in reversed(self._tasks):
            while not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=_CANCEL_AGAIN_S)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        log.error("crashed", task=task.get_name(), error=repr(error), exc_info=error)
        self.broken.set()


BACKGROUND: web.AppKey[Background] = web.AppKey("background", Background)
