"""Snapshots: their settings end with them, also when the reader is cancelled."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from relearn.agents.stores.postgres import open_pool
from relearn.api.queries.index_only import along
from relearn.schemas.settings import Settings

SET = "SELECT current_setting('enable_seqscan') || ' ' || current_setting('transaction_read_only')"


async def test_a_reader_sees_one_moment_and_writes_nothing(migrated: Settings) -> None:
    pool, other = await open_pool(migrated, size=1), await open_pool(migrated, size=1)
    async with along(pool) as connection:
        assert await connection.fetchval(SET) == "off on"
        assert await connection.fetchval("SELECT count(*) FROM jobs") == 0
        await other.execute("INSERT INTO jobs (id, command, state, reason) VALUES ('a', 'hold', 'promoted', '{}')")
        assert await connection.fetchval("SELECT count(*) FROM jobs") == 0
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await connection.execute("DELETE FROM jobs")
    assert await pool.fetchval(SET) == "on off"
    assert await pool.fetchval("SELECT count(*) FROM jobs") == 1
    pool.terminate()
    other.terminate()


async def test_who_goes_away_in_the_midst_leaves_the_connection_as_it_was(migrated: Settings) -> None:
    """During a query or between two; the pool has one connection, which the next reader gets."""
    pool = await open_pool(migrated, size=1)
    own = await pool.fetchval("SELECT pg_backend_pid()")

    async def read(query: str | None) -> None:
        async with along(pool) as connection:
            inside.set()
            await (connection.fetchval(query) if query else asyncio.Event().wait())

    for query in ("SELECT pg_sleep(60)", None):
        inside = asyncio.Event()
        reader = asyncio.ensure_future(read(query))
        await inside.wait()
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        assert await pool.fetchval(SET) == "on off"
    assert await pool.fetchval("SELECT pg_backend_pid()") == own
    pool.terminate()
