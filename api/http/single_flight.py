"""One call for all concurrent callers: a server that hangs is waited for once, not by one caller after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Calls `function`, unless a call is under way already."""

    def __init__(self, function: Callable[[], Awaitable[T]]) -> None:
        self._function = function
        self._call: asyncio.Future[T] | None = None

    async def result(self) -> T:
        """What `function` returns or raises, to all concurrent callers. The call goes on if callers are cancelled."""
        return await asyncio.shield(self.call())

    def call(self) -> asyncio.Future[T]:
        """The call under way, else a new one, for callers with a timeout of their own. Don't cancel it."""
        if self._call is None or self._call.done():
            self._call = asyncio.ensure_future(self._function())
            self._call.add_done_callback(_mark_error_retrieved)
        return self._call

    @property
    def under_way(self) -> bool:
        """Whether a call is under way."""
        return self._call is not None and not self._call.done()

    async def settled(self) -> None:
        """Wait until no call is under way. Its error is raised to the callers of `result` only."""
        if self._call is not None:
            await asyncio.wait((self._call,))

    async def close(self) -> None:
        """Cancel the call under way."""
        if self._call is not None:
            self._call.cancel()
            await asyncio.gather(self._call, return_exceptions=True)


def _mark_error_retrieved(call: asyncio.Future[T]) -> None:
    """Without a waiting caller the error concerns no request: the next caller starts a new call."""
    if not call.cancelled():
        call.exception()
