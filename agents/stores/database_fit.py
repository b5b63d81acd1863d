"""Whether a Postgres database is as Relearn needs it: version, encoding, durability, owners and rights."""

from __future__ import annotations

from relearn.agents.stores.postgres import Connection, Pool, postgres_errors, quoted
from relearn.schemas.errors import SetupError
from relearn.schemas.migrations import migrations

#: The oldest major version. Tests run on 18.
OLDEST_VERSION = 15
_FACTS = """
SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int / 10000 AS major,
    current_setting('server_encoding') AS encoding, current_setting('synchronous_commit') AS synchronous_commit,
    current_database() AS database, current_user AS role
"""
_MAY_CREATE = "SELECT has_database_privilege(current_database(), 'CREATE')"
_SCHEMA_OWNER = """
SELECT pg_get_userbyid(nspowner) AS owner, pg_has_role(nspowner, 'USAGE') AS ours FROM pg_namespace WHERE nspname = $1
"""
_OTHER_OWNERS = """
SELECT c.relname AS name, pg_get_userbyid(c.relowner) AS owner FROM pg_class c
WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) AND c.relkind IN ('r', 'p', 'S', 'v')
    AND NOT pg_has_role(c.relowner, 'USAGE')
ORDER BY c.relname LIMIT 1
"""
_MISSING_RIGHT = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'migrations'
    AND NOT c.relispartition
    AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
        AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))
ORDER BY c.relname LIMIT 1
"""


async def check_server(connection: Connection) -> None:
    """Return if the server and the database can hold Relearn's tables.

    Raises:
        SetupError: they can't, and what its operator can do.
    """
    facts = await connection.fetchrow(_FACTS)
    if facts["major"] < OLDEST_VERSION:
        raise SetupError(f"Postgres is version {facts['version']}; Relearn needs {OLDEST_VERSION} or later")
    if facts["encoding"] != "UTF8":
        raise SetupError(
            f"the database {facts['database']} has the encoding {facts['encoding']}, Relearn needs UTF8: "
            "make one (CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0) and name it in RELEARN_POSTGRES_DSN"
        )
    if facts["synchronous_commit"] == "off":
        raise SetupError(
            f"synchronous_commit is off for the role {facts['role']}: rows could be lost whose offsets are committed; "
            f"run ALTER ROLE {facts['role']} SET synchronous_commit = on"
        )


async def check_owner(connection: Connection, namespace: str) -> None:
    """Return if this connection's role may make and change the namespace's tables.

    Raises:
        SetupError: it may not, and what its operator can do.
    """
    role = await connection.fetchval("SELECT current_user")
    remedy = "name the owner's address in RELEARN_POSTGRES_OWNER_DSN"
    schema = await connection.fetchrow(_SCHEMA_OWNER, namespace)
    if schema is None:
        if not await connection.fetchval(_MAY_CREATE):
            database = await connection.fetchval("SELECT current_database()")
            grant = f"GRANT CREATE ON DATABASE {quoted(database)} TO {quoted(role)}"
            raise SetupError(f"the Postgres role {role} may not create the schema {namespace}: {grant}, or {remedy}")
        return
    if not schema["ours"]:
        text = f"the Postgres schema {namespace} belongs to the role {schema['owner']}, not to {role}"
        raise SetupError(f"{text}: {remedy}, or run ALTER SCHEMA {quoted(namespace)} OWNER TO {quoted(role)}")
    other = await connection.fetchrow(_OTHER_OWNERS, namespace)
    if other is not None:
        text = f"{namespace}.{other['name']} in Postgres belongs to the role {other['owner']}, not to {role}"
        raise SetupError(f"{text}: {remedy}, or change the owner")


async def check_database(pool: Pool) -> None:
    """Return if a worker can work with the database: server, tables of this version, rights on all of them.

    Raises:
        PostgresUnavailable: Retryable.
        SetupError: it can't, and what to do.
    """
    newest = max(migration.number for migration in migrations())
    with postgres_errors():
        async with pool.acquire() as connection:
            await check_server(connection)
            found = await connection.fetchval("SELECT max(number) FROM migrations")
            if found is None or found < newest:
                raise SetupError(
                    f"the tables are at migration {found}, this program needs {newest}; run `relearn migrate`"
                )
            table = await connection.fetchval(_MISSING_RIGHT)
            if table is not None:
                role = await connection.fetchval("SELECT current_user")
                raise SetupError(
                    f"the Postgres role {role} may not read and write the table {table}: "
                    "run `relearn migrate`, as the owner of the tables"
                )
