"""Reading along indexes, at one moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from relearn.agents.stores.postgres import INDEX_ONLY, Connection, Pool, translated

# In one round trip; and since nothing is written, there is nothing to commit.
_BEGIN = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {INDEX_ONLY}"


@asynccontextmanager
async def along(pool: Pool) -> AsyncIterator[Connection]:
    """A connection whose queries go along indexes, whatever the planner believes, and see one moment.

    Raises:
        PostgresUnavailable: ask again.
    """
    with translated():
        async with pool.acquire() as connection:
            try:
                await connection.execute(_BEGIN)
                yield connection
            finally:
                await connection.execute("ROLLBACK")
