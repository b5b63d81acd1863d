"""Waiting for a condition, with a deadline that only a broken system meets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

DEADLINE_S = 90.0


def eventually(
    condition: Callable[[], bool], otherwise: Callable[[], str] | str, *, deadline_s: float = DEADLINE_S
) -> None:
    """Return when `condition()` holds; fail with `otherwise` when it didn't within the deadline."""
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(otherwise() if callable(otherwise) else otherwise)
        time.sleep(0.05)


async def eventually_async(
    condition: Callable[[], bool | Awaitable[bool]],
    otherwise: Callable[[], str] | str,
    *,
    deadline_s: float = DEADLINE_S,
) -> None:
    """The same without holding up the event loop; the condition may be awaited for."""
    end = time.monotonic() + deadline_s
    while not (await found if isinstance(found := condition(), Awaitable) else found):
        if time.monotonic() > end:
            raise AssertionError(otherwise() if callable(otherwise) else otherwise)
        await asyncio.sleep(0.05)
