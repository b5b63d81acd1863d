"""Connections that are opened at their first use."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class OpenOnce(Generic[T]):
    """A value that the first caller of `get` opens, once, however many tasks wait for it.

    An attempt that raises is repeated by the next caller.
    """

    def __init__(self, open_value: Callable[[], Awaitable[T]]) -> None:
        self._open = open_value
        self._lock = asyncio.Lock()
        #: The value; None until it is open.
        self.value: T | None = None

    async def get(self) -> T:
        """The value, opened by this call unless it is open already. Raises whatever opening raises."""
        if self.value is None:
            async with self._lock:
                if self.value is None:
                    self.value = await self._open()
        return self.value
