"""Retrying a call while a server is unavailable, or while a person must mend the deployment.

Offsets stand still until the call returns or the process stops. docs/decisions/driver-errors.md has the errors that are
retried.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Protocol, TypeVar

import structlog

from relearn.agents.availability.backoff import Backoff
from relearn.agents.availability.notices import Notices
from relearn.schemas.errors import SetupError, Unavailable

T = TypeVar("T")
log = structlog.get_logger()

FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 3.0
_STOP_POLL_S = 0.2
_CONDITION_POLL_S = 0.05
#: A call that is retried for longer than this is a notice with its last error: waiting may be no remedy.
NOTICE_AFTER_S = 30.0
RETRYING = "retrying"
SETUP = "setup"
_SHOWN_CHARS = 160


class Stopping(Exception):
    """The process is asked to stop while it waits. The work in hand stays undone and is read again."""


class ConditionReporter(Protocol):
    """Shows the condition and the notices of a worker, in its heartbeat."""

    notices: Notices

    def meanwhile(self, text: str) -> AbstractContextManager[None]: ...


@dataclass(frozen=True, slots=True)
class Retry:
    """The retries of one worker. `stop()`: whether the worker is asked to stop; `state` shows what it waits for."""

    state: ConditionReporter
    stop: Callable[[], bool]
    clock: Callable[[], float] = time.time

    async def until_available(self, call: Callable[[], Awaitable[T]], servers: str = "Kafka and Postgres") -> T:
        """The result of `call`, repeated while it raises Unavailable or SetupError. `call` must be safe to repeat.

        `servers` names what is waited for, in the log and in the worker's condition. The notice `setup` shows a
        SetupError at once, the notice `retrying` an Unavailable that lasts.

        Raises:
            Stopping: `stop()` became true while waiting.
        """
        with ExitStack() as shown:
            wait = Wait(self, servers, shown)
            while True:
                try:
                    result = await call()
                except (Unavailable, SetupError) as exc:
                    await wait.after(exc)
                else:
                    wait.end()
                    return result


class Wait:
    """One wait of a worker for a call to succeed: its backoff, and what people see of it until `shown` is closed."""

    def __init__(self, retry: Retry, servers: str, shown: ExitStack) -> None:
        self._retry = retry
        self._servers = servers
        self._shown = shown
        self._backoff = Backoff(FIRST_WAIT_S, LONGEST_WAIT_S)
        self._began_s = 0.0
        self._condition: str | None = None
        self._notices: set[str] = set()
        shown.callback(self._clear)

    async def after(self, exc: Unavailable | SetupError) -> None:
        """Wait before the next attempt, after `exc`.

        Raises:
            Stopping: the worker is asked to stop.
        """
        retry, setup = self._retry, isinstance(exc, SetupError)
        if not self._backoff.failures:
            self._began_s = retry.clock()
            log.warning("waiting", what=self._servers, error=str(exc))
        condition = f"waiting: {str(exc)[:_SHOWN_CHARS]}" if setup else f"waiting for {self._servers}"
        if condition != self._condition:
            # The newest condition is the one that is shown.
            self._shown.enter_context(retry.state.meanwhile(condition))
            self._condition = condition
        lasts_s = retry.clock() - self._began_s
        if setup or lasts_s > NOTICE_AFTER_S:
            code = SETUP if setup else RETRYING
            self._notices.add(code)
            detail = str(exc) if setup else f"waiting for {self._servers} for over {NOTICE_AFTER_S:.0f} s: {exc}"
            retry.state.notices.set(code, detail, since=self._began_s)
        await sleep_unless_stopped(self._backoff.next_s(), stop=retry.stop)

    def end(self) -> None:
        """Log the end of the wait, if there was one."""
        if self._backoff.failures:
            log.info("answers_again", what=self._servers)

    def _clear(self) -> None:
        for code in self._notices:
            self._retry.state.notices.clear(code)


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
