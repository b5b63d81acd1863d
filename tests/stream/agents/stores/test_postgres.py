"""Connections on the real Postgres: what a snapshot reads, and what the next user of a connection finds."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import count
from typing import Any

import asyncpg
import pytest

from relearn.agents.stores.postgres import WORKER_TIMEOUTS, Pool, open_pool, postgres_errors, read_snapshot
from relearn.schemas.errors import PostgresUnavailable
from relearn.schemas.settings import Settings
from tests.support.cancellation import cancel_everywhere

SET = "SELECT current_setting('enable_seqscan') || ' ' || current_setting('transaction_read_only')"
BACKEND = "SELECT pg_backend_pid()"


async def test_a_snapshot_reads_one_moment_along_indexes_and_writes_nothing(migrated: Settings) -> None:
    pool, other = await open_pool(migrated, size=1), await open_pool(migrated, size=1)
    async with read_snapshot(pool, index_only=True) as connection:
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


@pytest.mark.parametrize("query", ["SELECT pg_sleep(60)", None], ids=["during a query", "between queries"])
async def test_a_cancelled_reader_leaves_the_connection_as_it_was(migrated: Settings, query: str | None) -> None:
    """The pool has one connection, which the next user gets."""
    pool = await open_pool(migrated, size=1)
    own = await pool.fetchval(BACKEND)
    inside = asyncio.Event()

    async def read() -> None:
        async with read_snapshot(pool, index_only=True) as connection:
            inside.set()
            await (connection.fetchval(query) if query else asyncio.Event().wait())

    reader = asyncio.ensure_future(read())
    await inside.wait()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert await pool.fetchval(SET) == "on off"
    assert await pool.fetchval(BACKEND) == own
    pool.terminate()


async def test_a_client_that_vanished_in_a_transaction_does_not_keep_its_locks(migrated: Settings) -> None:
    """Postgres rolls its transaction back; its own next command, if there is one, can be retried."""
    vanished = await open_pool(migrated, size=1, timeouts=WORKER_TIMEOUTS._replace(idle_s=1.0))
    successor = await open_pool(migrated, size=1)
    change = "INSERT INTO totals (generation, kafka_partition) VALUES (0, 0)"
    with pytest.raises(PostgresUnavailable), postgres_errors():
        async with vanished.acquire() as connection, connection.transaction():
            await connection.execute(change)
            await successor.execute(change)
            await connection.execute(change)
    vanished.terminate()
    successor.terminate()


async def test_a_statement_that_no_client_waits_for_is_cancelled(migrated: Settings) -> None:
    pool = await open_pool(migrated, size=1, timeouts=WORKER_TIMEOUTS._replace(command_s=7))
    assert await pool.fetchval("SHOW statement_timeout") == "8s"
    assert await pool.fetchval("SHOW tcp_keepalives_idle") == "10"
    pool.terminate()


def cancel_after_parse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancel each task whose query Postgres has parsed, before the task asks for the query's rows."""
    get_statement = asyncpg.Connection._get_statement

    async def cancelled(*args: Any, **kwargs: Any) -> Any:
        await get_statement(*args, **kwargs)
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    monkeypatch.setattr(asyncpg.Connection, "_get_statement", cancelled)


async def parse_and_cancel(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        cancel_after_parse(patched)
        with pytest.raises(asyncio.CancelledError):
            await pool.fetchval("SELECT count(*) FROM models")


async def test_a_query_cancelled_between_parsing_and_rows_leaves_no_transaction_open(
    migrated: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Postgres opens a transaction to parse a query, and asyncpg ends it only with the request for rows."""
    pool = await open_pool(migrated, size=1)
    own = await pool.fetchval(BACKEND)
    for index_only in (False, True):
        await parse_and_cancel(pool, monkeypatch)
        async with read_snapshot(pool, index_only=index_only) as connection:
            assert await connection.fetchval(SET) == ("off on" if index_only else "on on")
    assert await pool.fetchval(BACKEND) == own
    pool.terminate()


async def test_a_connection_that_cannot_be_cleaned_is_closed(
    migrated: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether Postgres fails or the task is cancelled a second time, the next user gets a new connection."""
    pool = await open_pool(migrated, size=1)
    for failure in (asyncpg.ConnectionDoesNotExistError("broken"), asyncio.CancelledError()):
        own = await pool.fetchval(BACKEND)
        with monkeypatch.context() as patched:

            async def fail(*_: Any, failure: BaseException = failure, **__: Any) -> None:
                raise failure

            patched.setattr(asyncpg.Connection, "execute", fail)
            await parse_and_cancel(pool, patched)
        async with read_snapshot(pool) as connection:
            assert await connection.fetchval(BACKEND) != own
    pool.terminate()


async def test_no_cancellation_at_any_moment_leaves_a_connection_inside_a_transaction(migrated: Settings) -> None:
    """At each suspension of a new query, a transaction, a snapshot, a COPY, and an error that is handled.

    After each, the next user begins a snapshot on the pool's one connection. A new text of a query is parsed again.
    """
    pool, texts = await open_pool(migrated, size=1), count()

    async def query() -> None:
        await pool.fetchval(f"SELECT $1::int + count(*) + {next(texts)} FROM models", 1)

    async def transaction() -> None:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(f"SELECT {next(texts)} + count(*) FROM jobs")

    async def snapshot() -> None:
        async with read_snapshot(pool, index_only=True) as connection:
            await connection.fetch(f"SELECT {next(texts)}, * FROM jobs")

    async def copy() -> None:
        async with pool.acquire() as connection:
            rows = [(str(next(texts)), [1.0], "yes", "test") for _ in range(2)]
            await connection.copy_records_to_table(
                "examples", columns=["key", "features", "label", "source"], records=rows
            )

    async def handled() -> None:
        async with pool.acquire() as connection:
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError):
                await connection.fetchval(f"SELECT $1::int + {next(texts)}", "no number")

    async def next_user(_: int) -> None:
        async with read_snapshot(pool) as connection:
            assert await connection.fetchval(SET) == "on on"

    for work in (query, transaction, snapshot, copy, handled):
        assert await cancel_everywhere(work, next_user) >= 2
    pool.terminate()


async def test_an_error_that_is_handled_inside_leaves_no_transaction_open(migrated: Settings) -> None:
    """A value that can't be encoded is refused by asyncpg after Postgres has parsed the query."""
    pool = await open_pool(migrated, size=1)
    own = await pool.fetchval(BACKEND)
    async with pool.acquire() as connection:
        with pytest.raises(asyncpg.DataError):
            await connection.fetchval("SELECT $1::int + 40", "no number")
    async with read_snapshot(pool) as connection:
        assert await connection.fetchval(SET) == "on on"
        assert await connection.fetchval(BACKEND) == own
    pool.terminate()


@pytest.mark.parametrize("what", ["acquired", "snapshot"])
async def test_a_connection_that_is_lost_hides_no_error(migrated: Settings, what: str) -> None:
    """asyncpg refuses every call of such a connection, the end of its transaction too."""
    pool, other = await open_pool(migrated, size=1), await open_pool(migrated, size=1)
    with pytest.raises(PostgresUnavailable, match="terminating connection due to administrator command") as told:
        async with read_snapshot(pool) if what == "snapshot" else pool.acquire() as connection:
            pid = await connection.fetchval(BACKEND)
            with postgres_errors():
                await asyncio.gather(
                    connection.execute("SELECT pg_sleep(60)"), other.execute("SELECT pg_terminate_backend($1)", pid)
                )
    assert str(told.value).startswith("Postgres: ")
    for lost in (asyncpg.InterfaceError, ValueError):
        with pytest.raises(lost, match="of ours"):
            async with pool.acquire() as connection:
                connection.terminate()
                raise lost("of ours")
    assert await pool.fetchval("SELECT 1") == 1
    pool.terminate()
    other.terminate()


async def test_a_connection_that_came_inside_a_transaction_is_dropped(migrated: Settings) -> None:
    """However it came to that: the failure is retryable, and the next user gets a new connection."""
    pool = await open_pool(migrated, size=1)
    own = await pool.fetchval(BACKEND)
    connection = await pool.acquire()
    await connection._protocol.prepare("left_open", "SELECT 41", None, record_class=asyncpg.Record)
    await pool.release(connection)
    with pytest.raises(PostgresUnavailable, match="25001"):
        async with read_snapshot(pool):
            raise AssertionError("the snapshot began inside another transaction")
    async with read_snapshot(pool) as connection:
        assert await connection.fetchval(BACKEND) != own
    pool.terminate()
