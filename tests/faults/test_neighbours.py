"""The embedded servers and another user of the machine; and a data directory from before there were passwords."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
import redis
from redis.exceptions import AuthenticationError

from relearn.agents.stores.database_fit import check_database
from relearn.agents.stores.migrations import migrate
from relearn.agents.stores.postgres import open_pool
from relearn.agents.stores.predictions.partitions import drop_partition
from relearn.schemas.errors import SetupError
from relearn.schemas.settings import Settings, read_settings
from relearn.scripts.dev.bench.faults.servers import free_ports
from relearn.scripts.embedded.data_dir import only_one
from relearn.scripts.embedded.processes.events import ignore
from relearn.scripts.embedded.processes.spawn import run_once
from relearn.scripts.embedded.processes.supervisor import Supervisor
from relearn.scripts.embedded.servers import account as accounts
from relearn.scripts.embedded.servers import postgres
from relearn.scripts.embedded.servers.secrets import Secrets
from tests.support.data.blocks import block_of
from tests.support.data.stored import store
from tests.support.servers.embedded import Servers
from tests.support.servers.namespaces import as_owner

SUPERUSER = "postgresql://postgres@{}/postgres"
FORBIDDEN = (
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY predictions FROM '/etc/passwd'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')",
    "CREATE TABLE mine (a int)",
    "CREATE SCHEMA mine",
    "CREATE ROLE mine",
    "DROP TABLE jobs",
    "ALTER TABLE jobs ADD COLUMN mine int",
    "TRUNCATE corrections",
    "DELETE FROM migrations",
    "SELECT make_partition('jobs', '2026-01-31')",
    "SET ROLE relearn_owner",
    "SET SESSION AUTHORIZATION postgres",
    "ALTER SYSTEM SET log_statement = 'all'",
)


async def refused(connect: Callable[[], Awaitable[Any]]) -> bool:
    """Whether Postgres refuses the connection."""
    try:
        await (await connect()).close()
    except asyncpg.InvalidAuthorizationSpecificationError:
        return True
    return False


async def test_the_application_reads_and_writes_rows_and_nothing_else(migrated: Settings, servers: Servers) -> None:
    """Its role is no superuser and owns nothing; the daily partitions are made and dropped for it."""
    pool = await open_pool(migrated)
    try:
        await store(pool, block_of(3))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute("DROP TABLE predictions_20260921")
        for statement in FORBIDDEN:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await pool.execute(statement)
        assert await pool.fetchval("SELECT count(*) FROM predictions") == 3
        assert await pool.fetchval("SELECT drop_partition('jobs')") is None
        assert await pool.fetchval("SELECT count(*) FROM jobs") == 0
        owners = (
            "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class"
            " WHERE relnamespace = current_schema()::regnamespace"
        )
        assert [row[0] for row in await pool.fetch(owners)] == [postgres.OWNER]
        assert await drop_partition(pool, "predictions_20260921")
    finally:
        await pool.close()


async def test_a_new_table_is_the_applications_too_after_the_next_migration(migrated: Settings) -> None:
    """Rights are given at each run of `relearn migrate`, so that a later version's tables have them."""
    await as_owner(migrated, "CREATE TABLE later (a int GENERATED ALWAYS AS IDENTITY, b int)")
    await as_owner(migrated, "REVOKE ALL ON later, jobs FROM relearn_app")
    pool = await open_pool(migrated)
    try:
        with pytest.raises(
            SetupError, match="relearn_app may not read and write the table jobs: run `relearn migrate`"
        ):
            await check_database(pool)
        assert await migrate(migrated) == []
        await check_database(pool)
        assert await pool.fetchval("INSERT INTO later (b) VALUES (1) RETURNING a") == 1
        assert await pool.fetchval("SELECT count(*) FROM jobs") == 0
    finally:
        await pool.close()


async def test_without_a_password_no_server_but_kafka_lets_in(servers: Servers) -> None:
    """As each role, the superuser included, with no password and with a wrong one."""
    where = servers.dsn.rpartition("@")[2]
    for role in ("postgres", postgres.OWNER, postgres.APPLICATION):
        for password in (None, "", "postgres", "wrong"):
            address = f"postgresql://{role}@{where}"
            assert await refused(lambda address=address, given=password: asyncpg.connect(address, password=given))
    address = "redis://" + servers.redis_url.rpartition("@")[2]
    with redis.Redis.from_url(address) as client, pytest.raises(AuthenticationError):
        client.keys()


def test_no_password_is_where_others_can_read_it(servers: Servers) -> None:
    """Neither in a program's arguments, nor in a server's environment, nor in a log; and no file is open to others."""
    secrets = [
        part.partition("@")[0].rpartition(":")[2] for part in (servers.dsn, servers.owner_dsn, servers.redis_url)
    ]
    assert all(len(secret) > 20 for secret in secrets)
    started = [psutil.Process(server.pid) for server in (servers.kafka, servers.postgres, servers.valkey)]
    seen = 0
    for process in (*started, *started[1].children()):
        with suppress(psutil.NoSuchProcess):  # a connection's process that has ended meanwhile
            environment = process.environ()
            told = " ".join((*process.cmdline(), *environment.values()))
            assert not [secret for secret in secrets if secret in told]
            assert not [name for name in environment if name.startswith("RELEARN_")]
            seen += 1
    assert seen > len(started)
    data_dir = servers.data_dir
    checked = 0
    for path, info in those_that_stand(data_dir):
        assert stat.S_ISLNK(info.st_mode) or info.st_mode & 0o077 == 0, path
        checked += 1
    assert checked > 100
    for log in (data_dir / "logs").iterdir():
        assert not [secret for secret in secrets if secret in log.read_text(errors="replace")], log


def those_that_stand(directory: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Everything in a directory that servers work in, without what they remove meanwhile (Kafka: deleted topics)."""
    for folder, _, files in os.walk(directory):
        for path in (Path(folder), *(Path(folder, name) for name in files)):
            with suppress(FileNotFoundError):
                yield path, path.lstat()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_another_user_reads_no_record_and_no_log(servers: Servers) -> None:
    """As the user of least rights, with the paths known."""
    for path in (
        "",
        "kafka",
        "kafka/data",
        "kafka/server.properties",
        "logs/kafka.log",
        "postgres/PG_VERSION",
        "valkey",
    ):
        done = subprocess.run(
            ["/bin/ls", servers.data_dir / path],
            user=65534,
            group=65534,
            extra_groups=[],
            env={"LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )
        assert "Permission denied" in done.stderr, (path, done)


@asynccontextmanager
async def running(data_dir: Path, secrets: Secrets) -> AsyncIterator[int]:
    """Postgres in this directory, as `relearn up` starts it; its port."""
    with only_one(data_dir):
        supervisor = Supervisor(data_dir, restart=False)
        try:
            await postgres.prepare(data_dir, secrets, ignore)
            port = free_ports().postgres
            log_path = data_dir / "logs" / "postgres.log"
            await supervisor.start(postgres.server(data_dir, port, secrets, log_path, dict(os.environ)))
            yield port
        finally:
            await supervisor.stop_all()


def settings_of(port: int, secrets: Secrets) -> Settings:
    addresses = (postgres.dsn(port, secrets.application), postgres.dsn(port, secrets.owner, postgres.OWNER))
    names = ("RELEARN_POSTGRES_DSN", "RELEARN_POSTGRES_OWNER_DSN")
    return read_settings({**dict(zip(names, addresses, strict=True)), "RELEARN_NAMESPACE": "old"})


async def made_before(data_dir: Path) -> None:
    """A cluster as earlier versions made it: open to all, everything the superuser's."""
    directory = data_dir / "postgres"
    directory.mkdir(parents=True, mode=0o755)
    account = accounts.owner_for(directory)
    initdb = (str(postgres._programs() / "initdb"), f"--pgdata={postgres._data_path(directory, account)}")
    code, output = await run_once((*initdb, "--auth=trust", "--username=postgres"), directory, account)
    assert code == 0, output
    sql = (
        "CREATE SCHEMA old;\n\n"
        "CREATE TABLE old.kept (n bigint GENERATED ALWAYS AS IDENTITY, day date) PARTITION BY RANGE (day);\n\n"
        "CREATE TABLE old.kept_1 PARTITION OF old.kept FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');\n\n"
        "INSERT INTO old.kept (day) VALUES ('2026-01-31'), ('2026-02-01');\n\n"
        "CREATE SEQUENCE old.numbers;\n\nCREATE VIEW old.seen AS SELECT n FROM old.kept;\n\n"
        "CREATE FUNCTION old.one() RETURNS int LANGUAGE sql AS 'SELECT 1';\n\n"
        "CREATE TABLE public.own AS SELECT 7 AS n;\n\n"
        "CREATE DATABASE plain ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C';\n\n"
    )
    await postgres.execute_alone(directory, account, sql)
    for path in (data_dir, data_dir / "lock"):
        path.touch()
        path.chmod(0o755)


async def test_a_data_directory_from_before_passwords_is_closed_and_keeps_its_rows(tmp_path: Path) -> None:
    """In place, at the next start: its tables change their owner. Lost passwords are replaced at the one after it."""
    data_dir = tmp_path / "data"
    await made_before(data_dir)
    first = Secrets.of({})
    async with running(data_dir, first) as port:
        assert data_dir.stat().st_mode & 0o077 == 0
        assert await refused(lambda: asyncpg.connect(SUPERUSER.format(f"127.0.0.1:{port}")))
        settings = settings_of(port, first)
        owner = await asyncpg.connect(settings.migration_dsn)
        try:
            assert await owner.fetchval("SELECT sum(n)::int + (SELECT n FROM public.own) FROM old.kept") == 10
            theirs = "SELECT count(*) FROM pg_class WHERE relnamespace = 'old'::regnamespace AND relowner = 10"
            assert await owner.fetchval(theirs) == 0
            await owner.execute("ALTER TABLE old.kept ADD note text; DROP VIEW old.seen; DROP FUNCTION old.one()")
        finally:
            await owner.close()
        dsn, owner_dsn = (one.replace("/postgres", "/plain") for one in (settings.postgres_dsn, settings.migration_dsn))
        with pytest.raises(SetupError, match="the database plain has the encoding SQL_ASCII, Relearn needs UTF8"):
            await migrate(settings.model_copy(update={"postgres_dsn": dsn, "postgres_owner_dsn": owner_dsn}))
        assert await migrate(settings)
        pool = await open_pool(settings)
        try:
            assert await pool.fetchval("SELECT count(*) FROM kept") == 2
            await store(pool, block_of(2))
        finally:
            await pool.close()
    second = Secrets.of({})
    async with running(data_dir, second) as port:
        assert await refused(lambda: asyncpg.connect(settings_of(port, first).postgres_dsn))
        connection = await asyncpg.connect(settings_of(port, second).postgres_dsn)
        try:
            assert await connection.fetchval("SELECT count(*) FROM old.predictions") == 2
        finally:
            await connection.close()
