"""The `relearn` command on a namespace of the tests: in this process, or as a process of its own.

Most tests call the entry point in this process, because starting an interpreter costs more than most commands.
One test per verb runs the command as a process.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import structlog
from click.testing import CliRunner

from relearn.schemas.settings import Settings
from relearn.scripts.cli import main
from tests.support.paths import ROOT
from tests.support.processes.workers import environment

TIMEOUT_S = 90


def relearn(settings: Settings, *argv: str, **given: str) -> subprocess.CompletedProcess[str]:
    """Run the command's entry point in this process. `given` are settings by their names without the prefix."""
    return relearn_in(environment(settings, **given), *argv)


def relearn_in(variables: Mapping[str, str], *argv: str) -> subprocess.CompletedProcess[str]:
    """The same with these environment variables, and no others.

    `sys.argv`, the environment and the standard streams are the command's own meanwhile. `produce` and `review` handle
    signals, which takes the main thread: a test that calls them is no coroutine.
    """
    alone = mock.patch.dict(os.environ, variables, clear=True)
    called_as = mock.patch.object(sys, "argv", ["relearn", *argv])
    with alone, called_as, CliRunner().isolation() as (out, err, _):
        try:
            code = _exit_code()
        finally:
            structlog.reset_defaults()  # the command's log goes to its own stderr
        sys.stdout.flush()
        sys.stderr.flush()
        return subprocess.CompletedProcess(argv, code, out.getvalue().decode(), err.getvalue().decode())


def relearn_process(settings: Settings, *argv: str, **given: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end as a person does, in an interpreter of its own."""
    return subprocess.run(
        [sys.executable, "-m", "relearn.scripts", *argv],
        cwd=ROOT,
        env=environment(settings, **given),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def _exit_code() -> int:
    """Run the entry point; a test that runs in an event loop gives the command a thread, for a loop of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _run()
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_run).result()


def _run() -> int:
    try:
        main()
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    return 0
