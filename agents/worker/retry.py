"""Waiting for a server that is away: backoff with jitter, offsets standing still, until it answers or we stop."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Protocol, TypeVar

import structlog

from relearn.schemas.errors import Unavailable

T = TypeVar("T")
log = structlog.get_logger()

FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 3.0


class Stopping(Exception):
    """The process is asked to stop while it waits: leave what is in hand undone, it will be read again."""


class ConditionReporter(Protocol):
    """What shows a worker's condition to people."""

    def meanwhile(self, text: str) -> AbstractContextManager[None]: ...


async def retry_until_available(
    call: Callable[[], Awaitable[T]], *, what: str, stop: Callable[[], bool], state: ConditionReporter
) -> T:
    """The result of `call`, made again and again while it raises Unavailable. It must be safe to repeat.

    Raises:
        Stopping: `stop()` became true while waiting.
    """
    wait_s = FIRST_WAIT_S
    with ExitStack() as telling:
        while True:
            try:
                result = await call()
            except Unavailable as exc:
                if wait_s == FIRST_WAIT_S:
                    log.warning("waiting", what=what, error=str(exc))
                    telling.enter_context(state.meanwhile(f"waiting for {what}"))
                await sleep_unless_stopped(wait_s * random.uniform(0.5, 1.0), stop=stop)  # noqa: S311 - jitter
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
            else:
                if wait_s != FIRST_WAIT_S:
                    log.info("answers_again", what=what)
                return result


async def sleep_unless_stopped(wait_s: float, *, stop: Callable[[], bool]) -> None:
    """Sleep, looking at `stop` five times a second.

    Raises:
        Stopping: `stop()` became true meanwhile.
    """
    deadline = asyncio.get_running_loop().time() + wait_s
    while (left := deadline - asyncio.get_running_loop().time()) > 0:
        if stop():
            raise Stopping
        await asyncio.sleep(min(left, 0.2))
    if stop():
        raise Stopping


async def wait_until(condition: Callable[[], bool], *, stop: Callable[[], bool]) -> None:
    """Wait until `condition()` holds, looking twenty times a second.

    Raises:
        Stopping: `stop()` became true first.
    """
    while not condition():
        if stop():
            raise Stopping
        await asyncio.sleep(0.05)
