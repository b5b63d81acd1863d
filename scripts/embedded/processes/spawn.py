"""Starts and ends one child process: in a session of its own, with a log, and its life tied to the supervisor's."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

from relearn.scripts.client.private_files import append_private, make_private
from relearn.scripts.embedded.processes.process import Process
from relearn.scripts.embedded.servers.account import Account

LOG_LIMIT_BYTES = 20_000_000


def through_launcher(argv: Sequence[str], death_signal: signal.Signals, account: Account | None) -> tuple[str, ...]:
    """`argv` by way of `launch.py`. The spawning thread must outlive the child: Linux ties the child to it."""
    launcher = str(Path(__file__).with_name("launch.py"))
    uid, gid = (account.uid, account.gid) if account is not None else (-1, -1)
    numbers = (str(os.getpid()), str(int(death_signal)), str(uid), str(gid))
    return (sys.executable, "-I", "-S", launcher, *numbers, *argv)


async def spawn(process: Process) -> asyncio.subprocess.Process:
    """Start a child in a new session, so that Ctrl-C in the terminal reaches only the supervisor."""
    make_private(process.log_path.parent)
    bound_log(process.log_path)
    if process.before_start is not None:
        process.before_start()
    with append_private(process.log_path) as log:
        return await asyncio.create_subprocess_exec(
            *through_launcher(process.argv, process.stop_signal, process.account),
            cwd=process.cwd,
            env=process.env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


async def run_once(
    argv: Sequence[str], cwd: Path, account: Account | None = None, *, given: str | None = None
) -> tuple[int, str]:
    """Run a program to its end; its exit code and output. `given`: its input. Cancelled: kills it and its children."""
    child = await asyncio.create_subprocess_exec(
        *through_launcher(argv, signal.SIGKILL, account),
        cwd=cwd,
        stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = await child.communicate(None if given is None else given.encode())
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.wait()
        raise
    return child.returncode or 0, output.decode(errors="replace")


async def end(handle: asyncio.subprocess.Process, process: Process) -> None:
    """Send the stop signal, wait, then kill; then kill the processes that it had started."""
    family = _family(handle.pid) if handle.returncode is None else []
    if handle.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            handle.send_signal(process.stop_signal)
        try:
            await asyncio.wait_for(handle.wait(), process.stop_timeout_s)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                handle.kill()
            await handle.wait()
    for relative in family:
        with contextlib.suppress(psutil.Error):
            relative.kill()
    await asyncio.to_thread(psutil.wait_procs, family, 5)


def _family(pid: int) -> list[psutil.Process]:
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.Error:
        return []


def bound_log(path: Path, limit_bytes: int = LOG_LIMIT_BYTES) -> None:
    """Move the contents of a log that is too large to `<name>.log.1`; processes that append to the log may continue."""
    try:
        if path.stat().st_size <= limit_bytes:
            return
    except FileNotFoundError:
        return
    former = path.with_name(path.name + ".1")
    former.unlink(missing_ok=True)
    with append_private(former) as file:
        file.write(path.read_bytes())
    os.truncate(path, 0)
