"""Postgres at the edge: a pool on the namespace's schema, its migrations, and asyncpg's errors in our own words."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple, TypeAlias

import asyncpg

from relearn.schemas.errors import BadRow, PostgresUnavailable, SetupError
from relearn.schemas.migrations import migrations
from relearn.schemas.settings import Settings

# asyncpg publishes no types.
Pool: TypeAlias = Any
Connection: TypeAlias = Any

#: SQLSTATE classes that mean "not now": connection, resources, operator intervention, system error, rollback.
_AWAY = ("08", "53", "57", "58", "40")
_BAD_DATA = ("22", "23")
#: For the rest of a transaction that walks along the primary key of `predictions`. A day's first rows come before its
#: first statistics, and without those a partition's rows seem few enough to sort them all.
INDEX_ONLY = "SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off"
#: Any number will do, as long as every migration of a server takes the same lock.
_MIGRATION_LOCK = 7_236_051


@contextmanager
def translated() -> Iterator[None]:
    """Driver errors as ours: PostgresUnavailable (try again), BadRow (never will), SetupError; others pass."""
    try:
        yield
    except asyncpg.PostgresError as exc:
        state = getattr(exc, "sqlstate", None) or ""
        if state.startswith(_AWAY):
            raise PostgresUnavailable(f"Postgres: {exc} ({state})") from exc
        if state.startswith(_BAD_DATA):
            raise BadRow(f"Postgres refuses a row: {exc} ({state})") from exc
        if state in {"42P01", "3F000"}:
            raise SetupError(f"{exc}: run `relearn migrate` first") from exc
        if state.startswith("28") or state in {"3D000", "42501", "42704"}:
            raise SetupError(f"Postgres: {exc}; look at RELEARN_POSTGRES_DSN") from exc
        raise
    except asyncpg.exceptions.ClientConfigurationError as exc:
        raise SetupError(f"RELEARN_POSTGRES_DSN: {exc}") from exc
    except asyncpg.InterfaceError as exc:
        if isinstance(exc, ValueError):
            raise BadRow(f"asyncpg refuses a value: {exc}") from exc
        raise PostgresUnavailable(f"Postgres doesn't answer: {exc}") from exc
    except asyncpg.InternalClientError as exc:
        # A connection that broke off in the midst of an answer: asyncpg lost track of it, and its pool drops it.
        raise PostgresUnavailable(f"Postgres broke off: {exc}") from exc
    except (OSError, TimeoutError) as exc:
        where = "Postgres doesn't answer at RELEARN_POSTGRES_DSN"
        raise PostgresUnavailable(f"{where}: {str(exc) or type(exc).__name__}") from exc


class Patience(NamedTuple):
    """How long is waited for a connection to be made, for an answer to a command, and for a free connection."""

    connect_s: float
    command_s: float
    free_s: float | None


#: A worker has nothing better to do; whoever has to answer somebody is given less.
OF_A_WORKER = Patience(connect_s=5.0, command_s=60.0, free_s=None)


class _Pool(asyncpg.Pool):  # type: ignore[misc]
    """A pool in which nobody waits longer than `free_s` for a connection, whoever asks and by which method.

    Nor does a connection wait longer, when it is handed back, for the end of a command that was given up.
    """

    def __init__(self, dsn: str, *, free_s: float | None, **given: Any) -> None:
        super().__init__(
            dsn,
            max_queries=50_000,
            max_inactive_connection_lifetime=300.0,
            loop=None,
            connection_class=asyncpg.Connection,
            record_class=asyncpg.Record,
            **given,
        )
        self._free_s = free_s

    def acquire(self, *, timeout: float | None = None) -> Any:
        return super().acquire(timeout=self._free_s if timeout is None else timeout)


async def open_pool(settings: Settings, *, size: int = 2, patience: Patience = OF_A_WORKER) -> Pool:
    """A pool whose connections see the namespace's tables without naming its schema; `jsonb` comes as Python values.

    Connections are made when first needed, so this succeeds while Postgres is away.
    """
    with translated():
        pool = _Pool(
            settings.postgres_dsn,
            min_size=0,
            max_size=size,
            free_s=patience.free_s,
            timeout=patience.connect_s,
            command_timeout=patience.command_s,
            server_settings={"search_path": quoted(settings.namespace), "application_name": settings.namespace},
            init=_as_python_values,
            reset=_as_it_is,
        )
        return await pool


async def _as_python_values(connection: Connection) -> None:
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


async def _as_it_is(_: Connection) -> None:
    """Leave a connection that is handed back as it is, after an open transaction was rolled back.

    Whatever is set or locked is so for a transaction: there is nothing to reset, and asyncpg would ask the server to.
    """


@asynccontextmanager
async def read_snapshot(pool: Pool) -> AsyncIterator[Connection]:
    """A connection on which all that is read agrees, and nothing can be written.

    Raises:
        PostgresUnavailable: ask again.
    """
    with translated():
        async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection


def quoted(name: str) -> str:
    """`name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


async def database_id(pool: Pool) -> str:
    """What tells this namespace's tables from others that Redis may have seen: when they were made.

    Raises:
        PostgresUnavailable: ask again.
    """
    with translated():
        return str(await pool.fetchval("SELECT extract(epoch FROM at)::text FROM migrations ORDER BY number LIMIT 1"))


async def ping(pool: Pool) -> None:
    """Return if Postgres answers.

    Raises:
        PostgresUnavailable: it doesn't.
    """
    with translated():
        await pool.fetchval("SELECT 1")


async def newest_migration(pool: Pool) -> int | None:
    """The number of the newest migration that was applied; None before the first.

    Raises:
        PostgresUnavailable: retryable.
        SetupError: there are no tables.
    """
    with translated():
        number: int | None = await pool.fetchval("SELECT max(number) FROM migrations")
    return number


async def migrate(settings: Settings) -> list[str]:
    """Bring the namespace's tables to this version; the names of the migrations that ran now.

    May be run by several processes at once and again at any time.

    Raises:
        PostgresUnavailable: it doesn't answer.
        SetupError: a migration was changed after it ran, or the tables are of a later version than this program.
    """
    with translated():
        connection = await asyncpg.connect(settings.postgres_dsn, timeout=5)
        try:
            async with connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock($1)", _MIGRATION_LOCK)
                return await _migrate(connection, settings.namespace)
        finally:
            await connection.close()


async def _migrate(connection: Connection, namespace: str) -> list[str]:
    schema = quoted(namespace)
    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    await connection.execute(f"SET LOCAL search_path TO {schema}")
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations"
        " (number int PRIMARY KEY, name text NOT NULL, digest text NOT NULL, at timestamptz NOT NULL DEFAULT now())"
    )
    done: dict[int, Any] = {row["number"]: row for row in await connection.fetch("SELECT * FROM migrations")}
    ran = []
    for migration in migrations():
        before = done.pop(migration.number, None)
        if before is not None and before["digest"] != migration.digest:
            raise SetupError(f"migration {migration.name} was changed after it ran in namespace {namespace!r}")
        if before is None:
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO migrations (number, name, digest) VALUES ($1, $2, $3)",
                migration.number,
                migration.name,
                migration.digest,
            )
            ran.append(migration.name)
    if done:
        raise SetupError(f"the tables of namespace {namespace!r} are of a later version than this program")
    return ran
