"""What runs in a data directory: `run.json`, kept current by the supervisor, and the lock that admits one supervisor.

    {"supervisor": {"pid": 4711, "create_time": 1764000000.12, "started": "2026-01-31T12:00:00+00:00"},
     "processes": {"kafka": {"pid": 4712, "create_time": 1764000000.34, "started": "2026-01-31T12:00:00+00:00",
                             "state": "ready", "restarts": 0, "log": "/…/logs/kafka.log", "stop_signal": 15}, …}}

`state` is starting, ready, waiting (it died and will be started again), dead or stopped; `pid` and `create_time`
(seconds, psutil's) are null while there is no process. Both together name a process for ever, a pid alone does not.
The file stays after the end: with a supervisor that is no longer alive it tells what may have been left behind.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from relearn.schemas.errors import Refused, SetupError

RUN_FILE = "run.json"
LOCK_FILE = "lock"
LEFTOVER_TIMEOUT_S = 15.0


@dataclass
class Running:
    """One process of the file."""

    pid: int | None = None
    create_time: float | None = None
    started: str | None = None
    state: str = "starting"
    restarts: int = 0
    log: str = ""
    stop_signal: int = 15

    def alive(self) -> psutil.Process | None:
        """The process, if it still is that one."""
        if self.pid is None or self.create_time is None:
            return None
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.create_time) < 0.5
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.Error:
            return None


@dataclass
class Run:
    """The whole file."""

    supervisor: Running = field(default_factory=Running)
    processes: dict[str, Running] = field(default_factory=dict)


def begin(data_dir: Path) -> Run:
    """A new run of this very process."""
    me = Running(state="ready")
    describe(me, os.getpid())
    run = Run(supervisor=me)
    save(data_dir, run)
    return run


def describe(running: Running, pid: int) -> None:
    """Fill in the facts of a process that has just been started."""
    running.pid = pid
    running.started = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        running.create_time = psutil.Process(pid).create_time()
    except psutil.Error:  # gone already
        running.pid = running.create_time = None


def save(data_dir: Path, run: Run) -> None:
    """Whole or not at all."""
    me = run.supervisor
    contents: dict[str, Any] = {
        "supervisor": {"pid": me.pid, "create_time": me.create_time, "started": me.started},
        "processes": {name: asdict(running) for name, running in run.processes.items()},
    }
    scratch = data_dir / (RUN_FILE + ".new")
    scratch.write_text(json.dumps(contents, indent=2) + "\n")
    scratch.replace(data_dir / RUN_FILE)


def load(data_dir: Path) -> Run | None:
    """The last run in this directory, over or not; None where nothing ever ran or the file is unreadable."""
    try:
        found = json.loads((data_dir / RUN_FILE).read_text())
        processes = {name: Running(**facts) for name, facts in found["processes"].items()}
        return Run(Running(**found["supervisor"], state="ready"), processes)
    except (OSError, ValueError, KeyError, TypeError):
        return None


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
            run = load(data_dir)
            pid = f" (pid {run.supervisor.pid})" if run is not None else ""
            raise Refused(f"relearn is already up in {data_dir}{pid}: stop it first, or set RELEARN_DATA_DIR") from exc
        yield


def stop_leftovers(data_dir: Path) -> list[str]:
    """End what a supervisor left behind that was itself killed; blocks until none of it lives. Returns the names."""
    run = load(data_dir)
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
