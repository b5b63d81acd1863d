"""One question for all that wait for its answer: a server that hangs is waited for once, not by one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Asks with `ask`, unless it is being asked already."""

    def __init__(self, ask: Callable[[], Awaitable[T]]) -> None:
        self._ask = ask
        self._asking: asyncio.Future[T] | None = None

    async def answer(self) -> T:
        """What `ask` gives, or raises, to all that have waited for it; it goes on where some of them go away."""
        return await asyncio.shield(self.asking())

    def asking(self) -> asyncio.Future[T]:
        """The same for who waits in a way of its own: to be cancelled by nobody."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(self._ask())
            self._asking.add_done_callback(_heard)
        return self._asking

    async def close(self) -> None:
        """Wait for no answer any more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)


def _heard(asked: asyncio.Future[T]) -> None:
    """An error that nobody waited for is no news: the next one asks again."""
    if not asked.cancelled():
        asked.exception()
