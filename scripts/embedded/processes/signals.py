"""Ctrl-C, SIGTERM and SIGHUP for commands that have child processes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any


def run(main: Coroutine[Any, Any, None]) -> bool:
    """Run `main`; each signal cancels it once more (`stack.running` stops at the first, kills at the second).

    Returns whether it ended without being cancelled.
    """

    async def cancellable() -> None:
        task = asyncio.current_task()
        assert task is not None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        await main

    try:
        asyncio.run(cancellable())
    except asyncio.CancelledError:
        return False
    return True
