"""Reading along indexes, at one moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agents.stores.postgres import ALONG_AN_INDEX, Connection, Pool, translated


@asynccontextmanager
async def along(pool: Pool) -> AsyncIterator[Connection]:
    """A connection whose queries go along indexes, whatever the planner believes, and see one moment.

    Raises:
        PostgresUnavailable: ask again.
    """
    with translated():
        async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute(ALONG_AN_INDEX)
            yield connection
