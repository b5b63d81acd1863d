"""The pause of the score role: begun by a worker that met too many bad records, ended by `relearn dlq resume`.

The pause is the role's: each worker reads it every second, and holds its next chunk while the role is paused. A
Postgres that is away neither begins nor ends a pause, so that scoring goes on without Postgres.
"""

from __future__ import annotations

import asyncio

import structlog

from relearn.agents.availability.retry import Retry, Stopping
from relearn.agents.stores.pauses import Pauses
from relearn.agents.worker.state import WorkerState
from relearn.schemas.errors import PostgresUnavailable, SetupError
from relearn.schemas.messages.records import Fault

log = structlog.get_logger()

_POLL_S = 0.5
LOOK_EVERY_S = 1.0


class Pause:
    """Begins the pause, and holds the worker while the role is paused. Meanwhile the worker runs and is not ready.

    `look` is called every LOOK_EVERY_S.
    """

    def __init__(self, pauses: Pauses, retry: Retry, state: WorkerState) -> None:
        self._pauses = pauses
        self._retry = retry
        self._state = state
        #: Whether the role was paused at the last look. True before the first: a restart does not lift a pause.
        self._paused = True

    async def look(self) -> None:
        """Read whether the role is paused, and keep what is known while Postgres is away."""
        try:
            self._paused = self._paused or await self._pauses.current() is not None
        except (PostgresUnavailable, SetupError) as exc:
            log.debug("pause_unknown", error=str(exc))

    async def wait(self) -> bool:
        """Before a chunk: return when the role is not paused. True if it was.

        Raises:
            Stopping: asked to stop meanwhile.
        """
        if not self._paused:
            return False
        return await self._wait()

    async def begin(self, total: int, bad: int, fault: Fault) -> None:
        """Pause the role because `bad` of `total` records are bad, `fault` the latest; return when it is resumed.

        Raises:
            Stopping: asked to stop meanwhile.
        """
        reason = f"{bad} of the last {total} records are bad; the latest: {fault.reason}: {fault.detail}"
        await self._retry.until_available(lambda: self._pauses.begin(reason), "Postgres")
        await self._wait()

    async def _wait(self) -> bool:
        reason = await self._current()
        if reason is None:
            self._paused = False
            return False
        log.error("paused", reason=reason, next="look at `relearn dlq list`, then `relearn dlq resume`")
        with self._state.meanwhile(f"paused: {reason}; resume with `relearn dlq resume`"):
            while await self._current() is not None:
                if self._retry.stop():
                    raise Stopping
                await asyncio.sleep(_POLL_S)
        log.info("resumed")
        self._paused = False
        return True

    async def _current(self) -> str | None:
        return await self._retry.until_available(self._pauses.current, "Postgres")
