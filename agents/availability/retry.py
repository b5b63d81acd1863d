"""Retrying a call while a server is unavailable. Offsets stand still until the call returns or the process stops."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Protocol, TypeVar

import structlog

from relearn.agents.availability.backoff import Backoff
from relearn.schemas.errors import Unavailable

T = TypeVar("T")
log = structlog.get_logger()

FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 3.0
_STOP_POLL_S = 0.2
_CONDITION_POLL_S = 0.05


class Stopping(Exception):
    """The process is asked to stop while it waits. The work in hand stays undone and is read again."""


class ConditionReporter(Protocol):
    """Shows the condition of a worker, in its heartbeat."""

    def meanwhile(self, text: str) -> AbstractContextManager[None]: ...


@dataclass(frozen=True, slots=True)
class Retry:
    """The retries of one worker. `stop()`: whether the worker is asked to stop; `state` shows what it waits for."""

    state: ConditionReporter
    stop: Callable[[], bool]

    async def until_available(self, call: Callable[[], Awaitable[T]], servers: str = "Kafka and Postgres") -> T:
        """The result of `call`, repeated while it raises Unavailable. `call` must be safe to repeat.

        `servers` names what is waited for, in the log and in the worker's condition.

        Raises:
            Stopping: `stop()` became true while waiting.
        """
        backoff = Backoff(FIRST_WAIT_S, LONGEST_WAIT_S)
        with ExitStack() as condition:
            while True:
                try:
                    result = await call()
                except Unavailable as exc:
                    if not backoff.failures:
                        log.warning("waiting", what=servers, error=str(exc))
                        condition.enter_context(self.state.meanwhile(f"waiting for {servers}"))
                    await sleep_unless_stopped(backoff.next_s(), stop=self.stop)
                else:
                    if backoff.failures:
                        log.info("answers_again", what=servers)
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
        await asyncio.sleep(min(left, _STOP_POLL_S))
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
        await asyncio.sleep(_CONDITION_POLL_S)
