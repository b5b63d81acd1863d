"""Processes of the `relearn` command that start with everything imported.

One process per test session imports what commands need, and forks for each command that a test starts. Such a command
has a pid, signals, an environment and an exit code of its own like any process, without the seconds that an interpreter
takes to import. The tests of `relearn up`, of the demo and of the README's tour start commands from nothing.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from relearn.agents.worker.main import ROLES
from relearn.api.server import serve
from relearn.scripts.cli import VERBS, main
from tests.support.paths import ROOT

_CONTEXT = multiprocessing.get_context("forkserver")
_COMMANDS = [VERBS[name][0].partition(":")[0] for name in ("worker", "api")]
_CONTEXT.set_forkserver_preload([main.__module__, *_COMMANDS, serve.__name__, *ROLES.values()])


class ForkedCommand:
    """`relearn ARGV…` as a process, used as `subprocess.Popen` is."""

    def __init__(
        self,
        argv: tuple[str, ...],
        environment: dict[str, str],
        log_path: Path,
        before: Callable[[], None] | None = None,
    ) -> None:
        """Everything that it writes is appended to `log_path`. `before`, a module's function, is called there first."""
        log_path.touch()
        self._process = _CONTEXT.Process(target=_run, args=(argv, environment, str(log_path), before), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout_s: float | None = None) -> int:
        """The exit code, once it has ended.

        Raises:
            subprocess.TimeoutExpired: it runs on.
        """
        self._process.join(timeout_s)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("relearn", timeout_s or 0.0)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _run(argv: tuple[str, ...], environment: dict[str, str], log_path: str, before: Callable[[], None] | None) -> None:
    """Become the command, in a process that was forked for it."""
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for number in (1, 2):
        os.dup2(log, number)
    os.close(log)
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["relearn", *argv]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if before is not None:
        before()
    main()
