"""Worker processes of a scene: started, killed, stopped, suspended; their logs are read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import psutil

from relearn.schemas.settings import PREFIX, Settings, as_environment
from relearn.scripts.dev.bench.faults.probe import until
from relearn.scripts.embedded.processes.spawn import through_launcher

READY = "event=worker_ready"
_STOP_S = 60.0


class Handle(Protocol):
    """A child process, as `subprocess.Popen` is one."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def send_signal(self, number: signal.Signals, /) -> None: ...


Spawn = Callable[[tuple[str, ...], dict[str, str], Path], Handle]
"""Starts `relearn ARGV…` with an environment; what it writes is appended to a log."""


def spawn(argv: tuple[str, ...], environment: dict[str, str], log_path: Path) -> subprocess.Popen[bytes]:
    """A new interpreter, as a supervisor starts one. It ends with the thread that starts it."""
    command = (sys.executable, "-P", "-m", "relearn.scripts", *argv)
    with log_path.open("ab") as log:
        return subprocess.Popen(
            through_launcher(command, signal.SIGKILL, None),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


class Worker:
    """One worker. `wanted`: it should run; the scene restarts it where it doesn't."""

    def __init__(
        self, settings: Settings, role: str, name: str, spawn: Spawn, *, static: bool = True, **extra: str
    ) -> None:
        """Without `static` it leaves its group when it stops. `extra`: environment variables."""
        self.name = name
        self.role = role
        self.wanted = True
        self.starts = 0
        self.unexpected: list[int] = []
        """Exit codes of ends that were not requested."""
        self._arguments = ("worker", role, *(("--id", name) if static else ()))
        plain = {key: value for key, value in os.environ.items() if not key.startswith(PREFIX)}
        self.environment = {**plain, **as_environment(settings), PREFIX + "LOG_LEVEL": "info", **extra}
        self.extra: Mapping[str, str] = {}
        """More environment variables for the next starts."""
        self._spawn = spawn
        self.log_path = settings.data_dir / "logs" / f"{name}.log"
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        self._log_start = 0
        self._handle: Handle | None = None
        self.start()

    def start(self) -> None:
        """Start it."""
        self.starts += 1
        self._log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        self._handle = self._spawn(self._arguments, {**self.environment, **self.extra}, self.log_path)
        self.wanted = True

    @property
    def pid(self) -> int:
        assert self._handle is not None
        return self._handle.pid

    @property
    def running(self) -> bool:
        return self._handle is not None and self._handle.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The exit code of the last process; None while it runs."""
        return None if self._handle is None else self._handle.poll()

    @property
    def log(self) -> str:
        """What it has written since its last start."""
        with self.log_path.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace")

    @property
    def memory_bytes(self) -> int:
        """Resident memory; 0 where it doesn't run."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def wait_ready(self) -> float:
        """Wait until it processes messages; the seconds that it took."""
        return until(lambda: READY in self.log, lambda: f"{self.name} is not ready: {self.log[-1500:]}")

    def kill(self) -> None:
        """kill -9; returns when it is dead."""
        self.wanted = False
        self.send(signal.SIGKILL)
        until(lambda: not self.running, f"{self.name} survives kill -9")

    def terminate(self) -> tuple[int | None, float]:
        """SIGTERM; the exit code and the seconds until the end. Killed after a minute, the code is -9."""
        self.wanted = False
        began = time.monotonic()
        self.send(signal.SIGTERM)
        while self.running and time.monotonic() - began < _STOP_S:
            time.sleep(0.02)
        if self.running:
            self.kill()
        return self.exit_code, time.monotonic() - began

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if it runs."""
        if self._handle is not None and self.running:
            self._handle.send_signal(number)

    def restart_if_dead(self) -> None:
        """Restart it where it has ended without being asked to."""
        if self.wanted and not self.running:
            code = self.exit_code
            self.unexpected.append(0 if code is None else code)
            self.start()


def worker_settings(settings: Settings, addresses: Mapping[str, str]) -> Settings:
    """The settings with other addresses of servers, such as those of proxies."""
    update = {name.removeprefix(PREFIX).lower(): value for name, value in addresses.items()}
    return Settings.model_validate({**settings.model_dump(), **update})
