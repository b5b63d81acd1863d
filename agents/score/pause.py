"""The pause of the score role: begun by a worker that met too many bad records, ended by `relearn dlq resume`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from relearn.agents.availability.retry import Retry, Stopping
from relearn.agents.score.dlq_limit import DlqLimit
from relearn.agents.stores.pauses import Pauses
from relearn.agents.worker.state import WorkerState
from relearn.schemas.messages.records import Reject

log = structlog.get_logger()

_POLL_S = 0.5


class Pause:
    """Begins the pause, and holds the worker while the role is paused. Meanwhile the worker runs and is not ready."""

    def __init__(self, pauses: Pauses, retry: Retry, state: WorkerState) -> None:
        self._pauses = pauses
        self._retry = retry
        self._state = state
        self._checked_at_start = False

    async def wait_at_start(self) -> None:
        """Before the first chunk: return when the role is not paused, so that a restart does not lift a pause.

        Raises:
            Stopping: asked to stop meanwhile.
        """
        if not self._checked_at_start:
            await self._wait()
            self._checked_at_start = True

    async def begin(self, limit: DlqLimit, records: int, rejects: Sequence[Reject]) -> None:
        """Pause the role because of a chunk of `records`, and return when it is resumed.

        Raises:
            Stopping: asked to stop meanwhile.
        """
        total, bad = limit.records + records, limit.bad + len(rejects)
        fault = rejects[-1].fault
        reason = f"{bad} of the last {total} records are bad; the latest: {fault.reason}: {fault.detail}"
        await self._retry.until_available(lambda: self._pauses.begin(reason), "Postgres")
        await self._wait()

    async def _wait(self) -> None:
        reason = await self._current()
        if reason is None:
            return
        log.error("paused", reason=reason, next="look at `relearn dlq list`, then `relearn dlq resume`")
        with self._state.meanwhile(f"paused: {reason}; resume with `relearn dlq resume`"):
            while await self._current() is not None:
                if self._retry.stop():
                    raise Stopping
                await asyncio.sleep(_POLL_S)
        log.info("resumed")

    async def _current(self) -> str | None:
        return await self._retry.until_available(self._pauses.current, "Postgres")
