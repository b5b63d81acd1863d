"""One supervisor per data directory: the lock that admits it, and the end of what a killed one left running."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from relearn.schemas.errors import Refused, SetupError
from relearn.schemas.settings import PREFIX
from relearn.scripts.client import runfile

DATA_DIR = PREFIX + "DATA_DIR"
LOCK_FILE = "lock"
LEFTOVER_TIMEOUT_S = 15.0


def data_dir_of(environment: Mapping[str, str]) -> Path:
    """The data directory as an absolute path: workers and later starts may have another working directory."""
    return Path(environment.get(DATA_DIR) or ".relearn").absolute()


@contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Hold the directory's lock.

    Raises:
        Refused: another supervisor holds it.
        SetupError: the directory can't be made or written.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        held = (data_dir / LOCK_FILE).open("a")
    except OSError as exc:
        raise SetupError(f"{data_dir} can't be used: {exc}") from exc
    with held as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            run = runfile.load(data_dir)
            pid = f" (pid {run.supervisor.pid})" if run is not None else ""
            raise Refused(f"relearn is already up in {data_dir}{pid}: stop it first, or set RELEARN_DATA_DIR") from exc
        yield


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
