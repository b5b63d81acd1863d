"""What runs beside the requests for as long as the process does: the model feed, the looks at servers and keys.

A process that has lost one of them would go on answering, from a model or with keys that no longer are those: it ends.
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
    """Tasks without end. `broken` is set when one has ended all the same."""

    def __init__(self) -> None:
        self.broken = asyncio.Event()
        self._tasks: list[asyncio.Task[Any]] = []

    def start(self, name: str, work: Coroutine[Any, Any, Any], *, endless: bool = True) -> None:
        """Run `work` until `stop`; what isn't `endless` may end by itself."""
        task = asyncio.create_task(work, name=name)
        self._tasks.append(task)
        if endless:
            task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Cancel all, the last first, and wait for their ends. What they raise now has been logged.

        More than once, if need be: below Python 3.12 `wait_for`, which redis-py uses, may lose a cancellation.
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
