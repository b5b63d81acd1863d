"""Migrations: bring the tables of a namespace to the version of this program."""

from __future__ import annotations

from typing import Any

import asyncpg

from relearn.agents.stores.postgres import Connection, postgres_errors, quoted
from relearn.schemas.errors import SetupError
from relearn.schemas.migrations import migrations
from relearn.schemas.settings import Settings

#: Any constant: all migrations of a server take this advisory lock.
_MIGRATION_LOCK = 7_236_051


async def migrate(settings: Settings) -> list[str]:
    """Bring the namespace's tables to this version; returns the names of the migrations that ran.

    Safe to run in several processes at once, and to repeat.

    Raises:
        PostgresUnavailable: Retryable.
        SetupError: a migration was changed after it ran, or the tables are of a later version than this program.
    """
    with postgres_errors():
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
