"""What runs in a data directory: `run.json`, written by the supervisor of `relearn up` and read by other commands.

    {"supervisor": {"pid": 4711, "create_time": 1764000000.12, "started": "2026-01-31T12:00:00+00:00"},
     "processes": {"kafka": {"pid": 4712, "create_time": 1764000000.34, "started": "2026-01-31T12:00:00+00:00",
                             "state": "ready", "restarts": 0, "log": "/…/logs/kafka.log", "stop_signal": 15}, …}}

`state` is starting, ready, waiting (it died and will be started again), dead or stopped; `pid` and `create_time`
(seconds, psutil's) are null while there is no process. The two together identify a process, a pid alone may be reused.
The file stays after the end: if its supervisor is no longer alive, it lists what may still be running.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from relearn.scripts.client.private_files import write_private

RUN_FILE = "run.json"


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
        """The process, or None if it has ended or its pid belongs to another."""
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
    """Start a new `run.json` with this process as the supervisor."""
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
    """Write `run.json` atomically."""
    me = run.supervisor
    contents: dict[str, Any] = {
        "supervisor": {"pid": me.pid, "create_time": me.create_time, "started": me.started},
        "processes": {name: asdict(running) for name, running in run.processes.items()},
    }
    write_private(data_dir / RUN_FILE, json.dumps(contents, indent=2) + "\n")


def load(data_dir: Path) -> Run | None:
    """The last run in this directory, ended or not; None if nothing ever ran there or the file is unreadable."""
    try:
        found = json.loads((data_dir / RUN_FILE).read_text())
        processes = {name: Running(**facts) for name, facts in found["processes"].items()}
        return Run(Running(**found["supervisor"], state="ready"), processes)
    except (OSError, ValueError, KeyError, TypeError):
        return None
