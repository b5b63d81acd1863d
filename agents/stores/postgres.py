"""Postgres: the connection pool of a namespace, read snapshots, and asyncpg's errors as errors of `schemas.errors`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple, TypeAlias

import asyncpg
from asyncpg.pool import PoolAcquireContext

from relearn.agents.availability.progress import progressed
from relearn.agents.driver_errors import postgres as driver
from relearn.agents.driver_errors.verdict import Verdict
from relearn.schemas.errors import BadRow, PostgresUnavailable, RelearnError, SetupError
from relearn.schemas.settings import Settings

# asyncpg has no types.
Pool: TypeAlias = Any
Connection: TypeAlias = Any

#: Rows that one statement reads where all of a table are wanted.
PAGE_ROWS = 2_000
# The first rows of a day are stored before the partition's first statistics. Without statistics the planner expects few
# rows, and sorts all of them.
_INDEX_ONLY = "SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off"


@contextmanager
def postgres_errors() -> Iterator[None]:
    """Raise driver errors as PostgresUnavailable (retryable), BadRow (not retryable) or SetupError; others pass.

    The table is `agents.driver_errors.postgres`.
    """
    try:
        yield
    except driver.ERRORS as exc:
        cause = driver.cause_of(exc)
        if isinstance(cause, RelearnError):
            raise cause from cause.__cause__
        translated = _translated(cause)
        if translated is None:
            raise
        raise translated from exc


def _translated(exc: BaseException) -> RelearnError | None:
    """The error of Relearn for a driver's error; None where this program is at fault."""
    verdict, state = driver.verdict_of(exc), getattr(exc, "sqlstate", None) or ""
    text = f"{exc} ({state})" if state else str(exc)
    match verdict:
        case Verdict.REFUSED:
            return BadRow(f"Postgres refuses a row: {text}" if state else f"asyncpg refuses a value: {text}")
        case Verdict.SETUP:
            return SetupError(_remedy(exc, state, text))
        case Verdict.RETRYABLE:
            return PostgresUnavailable(_away(exc, state, text))
        case _:
            return None


def _remedy(exc: BaseException, state: str, text: str) -> str:
    if state in driver.NO_TABLES:
        return f"{exc}: run `relearn migrate` first"
    return f"Postgres: {text}; look at RELEARN_POSTGRES_DSN" if state else f"RELEARN_POSTGRES_DSN: {text}"


def _away(exc: BaseException, state: str, text: str) -> str:
    if state == driver.READ_ONLY:
        return f"Postgres is read-only: {text}"
    if isinstance(exc, asyncpg.PostgresError):
        return f"Postgres: {text}"
    if isinstance(exc, (asyncpg.InterfaceError, asyncpg.InternalClientError)):
        return f"Postgres: the connection broke: {text}"
    return f"Postgres doesn't answer at RELEARN_POSTGRES_DSN: {text or type(exc).__name__}"


class Timeouts(NamedTuple):
    """Timeouts of connecting, of a command, of waiting for a free connection, of a transaction's pause; None: none.

    The last one is Postgres' own: a transaction without a command for this time is rolled back, with its locks.
    """

    connect_s: float
    command_s: float
    acquire_s: float | None
    idle_s: float | None = None


#: Workers wait for longer than an API request may take. A worker that vanished with its machine, or behind a lost
#: address translation, closes nothing: its transaction would hold its locks against its successor.
WORKER_TIMEOUTS = Timeouts(connect_s=5.0, command_s=60.0, acquire_s=None, idle_s=30.0)


class _Connection(asyncpg.Connection):  # type: ignore[misc]
    """A connection that notes whether a statement has ended by an error or a cancellation since it was acquired."""

    interrupted = False

    def clear_interrupted(self) -> None:
        """No transaction is open any more because of such a statement."""
        self.interrupted = False

    async def _do_execute(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super()._do_execute(*args, **kwargs)
        except BaseException:
            self.interrupted = True
            raise


class _Acquire(PoolAcquireContext):  # type: ignore[misc]
    """Returns a connection to the pool without an open implicit transaction; closes the connection if that fails.

    Postgres opens an implicit transaction to parse a query, and asyncpg sends the Sync that ends the transaction only
    with the request for rows. A task cancelled in between leaves the transaction open, and asyncpg takes the connection
    for idle. The next user's BEGIN would fail ("SET TRANSACTION ISOLATION LEVEL must be called before any query").
    An error that the user of the connection has handled leaves the transaction open, too: the connection notes it.
    """

    async def __aexit__(self, kind: Any = None, error: Any = None, traceback: Any = None) -> None:
        try:
            # A connection that was lost has left the pool: any call of it raises, and hides the block's own error.
            lost = self.connection._con is None
            if not lost and isinstance(error, asyncpg.ActiveSQLTransactionError):
                self.connection.terminate()
            elif not lost and (error is not None or self.connection.interrupted) and not self.connection.is_closed():
                await self._end_implicit_transaction(self.connection)
        finally:
            await super().__aexit__(kind, error, traceback)

    async def _end_implicit_transaction(self, connection: Connection) -> None:
        try:
            # A simple query ends an implicit transaction. Explicit ones are rolled back by the pool, after this.
            if not connection.is_in_transaction():
                await connection.execute("SELECT 1", timeout=self.timeout)
            connection.clear_interrupted()
        except asyncio.CancelledError:
            connection.terminate()
            raise
        except driver.ERRORS:
            # The block's own error, which is being raised, has the reason; this one only closes the connection.
            connection.terminate()


class _Pool(asyncpg.Pool):  # type: ignore[misc]
    """A pool in which every method waits at most `acquire_s` for a free connection.

    A connection that is returned waits at most as long for the end of a cancelled command.
    """

    def __init__(self, dsn: str, *, acquire_s: float | None, **given: Any) -> None:
        super().__init__(
            dsn,
            max_queries=50_000,
            max_inactive_connection_lifetime=300.0,
            loop=None,
            connection_class=_Connection,
            record_class=asyncpg.Record,
            **given,
        )
        self._acquire_s = acquire_s

    def acquire(self, *, timeout: float | None = None) -> Any:
        return _Acquire(self, self._acquire_s if timeout is None else timeout)


async def open_pool(settings: Settings, *, size: int = 2, timeouts: Timeouts = WORKER_TIMEOUTS) -> Pool:
    """A pool whose search path is the namespace's schema; `jsonb` is read and written as Python values.

    Connections are opened when first needed, so this succeeds while Postgres is away.
    """
    with postgres_errors():
        pool = _Pool(
            settings.postgres_dsn,
            min_size=0,
            max_size=size,
            acquire_s=timeouts.acquire_s,
            timeout=timeouts.connect_s,
            command_timeout=timeouts.command_s,
            server_settings=_session_settings(settings, timeouts),
            init=as_python_values,
            reset=_no_reset,
        )
        return await pool


def _session_settings(settings: Settings, timeouts: Timeouts) -> dict[str, str]:
    """Postgres ends by itself what a client that vanished has left: its statement, its transaction, its connection."""
    ends = {
        "statement_timeout": 1000 * (timeouts.command_s + 1),
        "idle_in_transaction_session_timeout": 1000 * (timeouts.idle_s or 0),
        "tcp_keepalives_idle": 10,
        "tcp_keepalives_interval": 5,
        "tcp_keepalives_count": 4,
    }
    return {
        "search_path": quoted(settings.namespace),
        "application_name": settings.namespace,
        **{name: str(int(value)) for name, value in ends.items()},
    }


async def as_python_values(connection: Connection) -> None:
    """Read and write jsonb of this connection as Python's values, as pools do."""
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


async def _no_reset(_: Connection) -> None:
    """Reset nothing on a returned connection; the pool has rolled back an open transaction before this.

    All settings and locks are local to a transaction, and asyncpg's own reset costs a round trip.
    """


@asynccontextmanager
async def read_snapshot(pool: Pool, *, index_only: bool = False) -> AsyncIterator[Connection]:
    """A connection in a read-only transaction, all of whose queries read one snapshot.

    `index_only`: as `force_index_scans`, for the whole transaction.

    Raises:
        PostgresUnavailable: Retryable.
    """
    with postgres_errors():
        async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            if index_only:
                await force_index_scans(connection)
            yield connection


async def read_pages(
    connection: Connection, query: str, *arguments: Any, after: Any, size: int = PAGE_ROWS
) -> AsyncIterator[list[Any]]:
    """All rows of `query`, a page at a time: no statement reads more than `size` rows, so that none nears its timeout.

    `query` is ordered by a unique key, its first column. Its last two parameters are the key that a page begins after
    (`after` for the first page) and the number of rows. In a snapshot the pages are those of one moment.
    """
    while True:
        page = await connection.fetch(query, *arguments, after, size)
        yield page
        if len(page) < size:
            return
        progressed()
        after = page[-1][0]


async def force_index_scans(connection: Connection) -> None:
    """Make the planner read along indexes, for the rest of the caller's transaction."""
    await connection.execute(_INDEX_ONLY)


def quoted(name: str) -> str:
    """`name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


async def database_id(pool: Pool) -> str:
    """The time when the namespace's tables were made. It identifies the database whose rows Redis shows.

    Raises:
        PostgresUnavailable: Retryable.
    """
    with postgres_errors():
        return str(await pool.fetchval("SELECT extract(epoch FROM at)::text FROM migrations ORDER BY number LIMIT 1"))


async def ping(pool: Pool) -> None:
    """Return if Postgres answers.

    Raises:
        PostgresUnavailable: it doesn't.
    """
    with postgres_errors():
        await pool.fetchval("SELECT 1")


async def newest_migration(pool: Pool) -> int | None:
    """The number of the newest migration that was applied; None before the first.

    Raises:
        PostgresUnavailable: retryable.
        SetupError: there are no tables.
    """
    with postgres_errors():
        number: int | None = await pool.fetchval("SELECT max(number) FROM migrations")
    return number
