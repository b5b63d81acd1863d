"""Adding and retiring a feature: one more row of `feature_schema`."""

from __future__ import annotations

from typing import Any

from relearn.agents.stores.features.versions import LOCK_FEATURES, columns_of, read_chain
from relearn.agents.stores.postgres import Connection, Pool, postgres_errors
from relearn.schemas.errors import Refused
from relearn.schemas.messages.commands import Command
from relearn.schemas.schema_changes import SchemaChange, change_fields, changed, check_change, read_change
from relearn.schemas.schema_versions import SchemaChain

_INSERT = """
INSERT INTO feature_schema (number, base, names, kinds, gaps, defaults, change, job, by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""


async def change_features(connection: Connection, command: Command) -> dict[str, Any]:
    """Carry out a command `schema`, inside the caller's transaction; its facts, JSON-able.

    Raises:
        Refused: the features can't be changed so.
    """
    # Two changes follow one another, and a load of examples doesn't come between.
    await connection.execute(LOCK_FEATURES)
    chain = await read_chain(connection)
    if chain is None:
        raise Refused(
            "no examples were loaded yet, so there are no features to change: `relearn model train` loads them"
        )
    change = read_change(command.reason.get("change"))
    check_change(chain, change)
    number = chain.newest.number + 1
    await _append(connection, chain, change, number, command)
    return {"schema": {"version": number, **change_fields(change)}}


async def renumber_features(pool: Pool, above: int) -> None:
    """Give the newest version a number above one that processes know: Postgres was restored from an older copy.

    Raises:
        PostgresUnavailable: Retryable.
    """
    with postgres_errors():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(LOCK_FEATURES)
            chain = await read_chain(connection)
            if chain is not None and chain.newest.number <= above:
                await _append(connection, chain, SchemaChange(), above + 1, None)


async def _append(
    connection: Connection, chain: SchemaChain, change: SchemaChange, number: int, command: Command | None
) -> None:
    after = changed(chain.newest, change, number)
    job, by = (None, None) if command is None else (command.id, command.by)
    row = (chain.base, *columns_of(after.schema), dict(after.defaults), change_fields(change))
    await connection.execute(_INSERT, number, *row, job, by)
