"""Migrations: bring the tables of a namespace to the version of this program, by the role that owns them.

Where `RELEARN_POSTGRES_OWNER_DSN` names an owner, the application's role (`RELEARN_POSTGRES_DSN`) gets the rights to
read and write rows, and no others.
"""

from __future__ import annotations

from typing import Any

import asyncpg

from relearn.agents.stores.database_fit import check_owner, check_server
from relearn.agents.stores.postgres import Connection, postgres_errors, quoted
from relearn.schemas.errors import SetupError
from relearn.schemas.migrations import migrations
from relearn.schemas.settings import Settings

# Rights are given at each run: a partition or a table of a later version gets them too.
_GRANTS = (
    "GRANT USAGE ON SCHEMA {schema} TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}",
    "REVOKE INSERT, UPDATE, DELETE ON {schema}.migrations FROM {role}",
    "GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
    "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {role}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}",
)
#: Any constant: all migrations of a server take this advisory lock.
_MIGRATION_LOCK = 7_236_051


async def migrate(settings: Settings) -> list[str]:
    """Bring the namespace's tables to this version; returns the names of the migrations that ran.

    Safe to run in several processes at once, and to repeat.

    Raises:
        PostgresUnavailable: Retryable.
        SetupError: a role can't connect, a migration was changed after it ran, or the tables are of a later version
            than this program.
    """
    with postgres_errors():
        application = await _role(settings.postgres_dsn)
        connection = await asyncpg.connect(settings.migration_dsn, timeout=5)
        try:
            async with connection.transaction():
                await check_server(connection)
                await check_owner(connection, settings.namespace)
                await connection.execute("SELECT pg_advisory_xact_lock($1)", _MIGRATION_LOCK)
                ran = await _migrate(connection, settings.namespace)
                if application != await connection.fetchval("SELECT current_user"):
                    await _grant(connection, settings.namespace, application)
                return ran
        finally:
            await connection.close()


async def check_migrations(settings: Settings) -> None:
    """Return if `migrate` can run: both roles can connect, and the database and its owner fit. Changes nothing.

    Raises:
        PostgresUnavailable: Retryable.
        SetupError: it can't, and what to do.
    """
    with postgres_errors():
        await _role(settings.postgres_dsn)
        connection = await asyncpg.connect(settings.migration_dsn, timeout=5)
        try:
            await check_server(connection)
            await check_owner(connection, settings.namespace)
        finally:
            await connection.close()


async def _role(dsn: str) -> str:
    """The application's role, which can connect and whose settings fit."""
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        await check_server(connection)
        return str(await connection.fetchval("SELECT current_user"))
    finally:
        await connection.close()


async def _grant(connection: Connection, namespace: str, role: str) -> None:
    for statement in _GRANTS:
        await connection.execute(statement.format(schema=quoted(namespace), role=quoted(role)))


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
