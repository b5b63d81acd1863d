"""Waiting for a condition, with a deadline that only a broken system meets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

DEADLINE_S = 90.0
#: Between looks at a condition: what comes at once is seen at once, and a long wait leaves the processor to the others.
FIRST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 0.2


def eventually(
    condition: Callable[[], bool], otherwise: Callable[[], str] | str, *, deadline_s: float = DEADLINE_S
) -> None:
    """Return when `condition()` holds; fail with `otherwise` when it didn't within the deadline."""
    end, pause_s = time.monotonic() + deadline_s, FIRST_PAUSE_S
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(otherwise() if callable(otherwise) else otherwise)
        time.sleep(pause_s)
        pause_s = min(1.5 * pause_s, LONGEST_PAUSE_S)


async def eventually_async(
    condition: Callable[[], bool | Awaitable[bool]],
    otherwise: Callable[[], str] | str,
    *,
    deadline_s: float = DEADLINE_S,
) -> None:
    """The same without holding up the event loop; the condition may be awaited for."""
    end, pause_s = time.monotonic() + deadline_s, FIRST_PAUSE_S
    while not (await found if isinstance(found := condition(), Awaitable) else found):
        if time.monotonic() > end:
            raise AssertionError(otherwise() if callable(otherwise) else otherwise)
        await asyncio.sleep(pause_s)
        pause_s = min(1.5 * pause_s, LONGEST_PAUSE_S)
