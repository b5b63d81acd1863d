"""Start one child process and end it: in a session of its own, its words in its log, its life tied to ours."""

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

from relearn.scripts.embedded.processes.process import Process
from relearn.scripts.embedded.servers.account import Account

LOG_LIMIT_BYTES = 20_000_000


def through_launcher(argv: Sequence[str], death_signal: signal.Signals, account: Account | None) -> tuple[str, ...]:
    """`argv` by way of `launch.py`. Must be spawned by the thread that lives longest: Linux ties children to it."""
    launcher = str(Path(__file__).with_name("launch.py"))
    uid, gid = (account.uid, account.gid) if account is not None else (-1, -1)
    numbers = (str(os.getpid()), str(int(death_signal)), str(uid), str(gid))
    return (sys.executable, "-I", "-S", launcher, *numbers, *argv)


async def spawn(process: Process) -> asyncio.subprocess.Process:
    """A new session, so that Ctrl-C in the terminal reaches only the supervisor."""
    process.log_path.parent.mkdir(parents=True, exist_ok=True)
    bound_log(process.log_path)
    if process.before_start is not None:
        process.before_start()
    with process.log_path.open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *through_launcher(process.argv, process.stop_signal, process.account),
            cwd=process.cwd,
            env=process.env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


async def run_once(argv: Sequence[str], cwd: Path, account: Account | None = None) -> tuple[int, str]:
    """Run a program to its end: its code and what it said. Cancelled: kills it and what it had started."""
    child = await asyncio.create_subprocess_exec(
        *through_launcher(argv, signal.SIGKILL, account),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = await child.communicate()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.wait()
        raise
    return child.returncode or 0, output.decode(errors="replace")


async def end(handle: asyncio.subprocess.Process, process: Process) -> None:
    """Ask, wait, insist; then end whatever it had started itself."""
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
    """Move what stands in a log that has grown too long to `<name>.log.1`; who writes to it (appending) may go on."""
    try:
        if path.stat().st_size <= limit_bytes:
            return
    except FileNotFoundError:
        return
    path.with_name(path.name + ".1").write_bytes(path.read_bytes())
    os.truncate(path, 0)
