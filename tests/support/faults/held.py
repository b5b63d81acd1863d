"""Holding a retrain worker at the two moments that matter: while it registers a model, and before it publishes one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg

from relearn.schemas.settings import Settings
from tests.support.waiting import DEADLINE_S, eventually

_WAITS_FOR_THE_CHAMPION = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = $1 AND wait_event_type = 'Lock' AND query LIKE 'UPDATE models SET state%'
"""
_UNPUBLISHED = "SELECT activation FROM activations WHERE published_at IS NULL ORDER BY activation"


class Held:
    """The champion's row is locked: a worker that replaces it waits, its transaction open. Deterministic."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loop = asyncio.Runner()
        self._row, self._table, self._watch = (self._loop.run(self._connect()) for _ in range(3))
        self._loop.run(self._lock_the_champion())

    def until_registering(self) -> None:
        """Wait until a worker has written all but the change of champion, and can't go on."""
        asked = _WAITS_FOR_THE_CHAMPION, self._settings.namespace
        eventually(lambda: self._loop.run(self._watch.fetchval(*asked)) == 1, "no worker replaces the champion")

    def let_it_register(self) -> list[int]:
        """Let its transaction commit, but let no worker read activations any more; those that are not published.

        The worker holds its lock on `activations` until it commits; the next one in the queue is ours.
        """
        locking = self._loop.run(self._ask_for_the_table())
        blocked = "SELECT cardinality(pg_blocking_pids($1)) > 0", self._table.get_server_pid()
        eventually(lambda: self._loop.run(self._watch.fetchval(*blocked)), "no worker has written an activation")
        self._loop.run(self._row.execute("ROLLBACK"))
        self._loop.run(asyncio.wait_for(locking, DEADLINE_S))
        return [row["activation"] for row in self._loop.run(self._table.fetch(_UNPUBLISHED))]

    def close(self) -> None:
        """Release all locks."""
        for connection in (self._row, self._table, self._watch):
            self._loop.run(connection.close())
        self._loop.close()

    async def _connect(self) -> Any:
        search_path = f'"{self._settings.namespace}"'
        return await asyncpg.connect(self._settings.postgres_dsn, server_settings={"search_path": search_path})

    async def _lock_the_champion(self) -> None:
        await self._row.execute("BEGIN")
        await self._row.execute("SELECT FROM models WHERE state = 'champion' FOR UPDATE")

    async def _ask_for_the_table(self) -> asyncio.Future[Any]:
        await self._table.execute("BEGIN")
        return asyncio.ensure_future(self._table.execute("LOCK TABLE activations IN ACCESS EXCLUSIVE MODE"))


@contextmanager
def champion_held(settings: Settings) -> Iterator[Held]:
    """No worker replaces the champion while the block runs, unless it is released."""
    held = Held(settings)
    try:
        yield held
    finally:
        held.close()
