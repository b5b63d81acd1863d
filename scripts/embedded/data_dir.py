"""One supervisor per data directory: the lock that admits it, and the end of what a killed one left running."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from relearn.schemas.errors import Refused, SetupError
from relearn.schemas.settings import PREFIX
from relearn.scripts.client import runfile
from relearn.scripts.client.private_files import make_private, make_tree_private, private_umask
from relearn.scripts.embedded.servers import postgres

DATA_DIR = PREFIX + "DATA_DIR"
LOCK_FILE = "lock"
# Only what `relearn up` creates: the data directory may hold other files too.
OURS = (
    "kafka",
    "kafka.new",
    "postgres",
    "postgres.new",
    "valkey",
    "registry",
    "keys",
    "logs",
    "workers",
    "servers.json",
    "run.json",
)
LEFTOVER_TIMEOUT_S = 15.0


def data_dir_of(environment: Mapping[str, str]) -> Path:
    """The data directory as an absolute path: workers and later starts may have another working directory."""
    return Path(environment.get(DATA_DIR) or ".relearn").absolute()


@contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Hold the directory's lock. During the block, all files that this process makes are closed to other users.

    Raises:
        Refused: another supervisor holds it.
        SetupError: the directory can't be made or written, or has files of other users.
    """
    try:
        make_private(data_dir)
        held = os.fdopen(os.open(data_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "a")
    except OSError as exc:
        why = "it is no directory" if isinstance(exc, FileExistsError) else str(exc)
        raise SetupError(f"{data_dir} can't be used: {why}; look at {DATA_DIR}") from exc
    with held as file, private_umask():
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            run = runfile.load(data_dir)
            pid = f" (pid {run.supervisor.pid})" if run is not None else ""
            raise Refused(f"relearn is already up in {data_dir}{pid}: stop it first, or set RELEARN_DATA_DIR") from exc
        close_to_others(data_dir)
        yield


def close_to_others(data_dir: Path) -> None:
    """Close the directory, and everything of ours in it, to other users: an earlier version left it open.

    Under root, Postgres' directory belongs to the account that it runs as.

    Raises:
        SetupError: something belongs to another user, or can't be closed.
    """
    clusters = [data_dir / name for name in (postgres.NAME, f"{postgres.NAME}.new") if (data_dir / name).exists()]
    try:
        others = [one.stat().st_uid for one in clusters] if os.geteuid() == 0 else []
        make_tree_private(data_dir, (*OURS, LOCK_FILE), others=others)
    except OSError as exc:
        raise SetupError(f"{data_dir} can't be closed to other users: {exc}") from exc


def stop_leftovers(data_dir: Path) -> list[str]:
    """End the processes of a supervisor that was killed; blocks until they have ended. Returns their names."""
    run = runfile.load(data_dir)
    found = {name: process for name, r in (run.processes if run else {}).items() if (process := r.alive())}
    if run is None or not found:
        return []
    family = [child for process in found.values() for child in _children(process)]
    for name, process in found.items():
        _signal(process, run.processes[name].stop_signal)
    psutil.wait_procs(list(found.values()), timeout=LEFTOVER_TIMEOUT_S)
    for process in [*found.values(), *family]:
        _signal(process, 9)
    psutil.wait_procs([*found.values(), *family], timeout=LEFTOVER_TIMEOUT_S)
    return list(found)


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.Error:
        return []


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)  # psutil makes sure that the pid still is this process
    except psutil.Error:
        return
