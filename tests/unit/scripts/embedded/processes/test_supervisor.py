"""The supervisor, with small processes of our own."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from relearn.schemas.errors import Refused, SetupError
from relearn.scripts.client import runfile
from relearn.scripts.embedded.data_dir import only_one, stop_leftovers
from relearn.scripts.embedded.processes.events import Event
from relearn.scripts.embedded.processes.process import Process, logged
from relearn.scripts.embedded.processes.supervisor import Supervisor

DEADLINE_S = 20


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, up to a deadline."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 - another process makes it true
            await asyncio.sleep(0.02)


def program(directory: Path, code: str, name: str = "child", **more: object) -> Process:
    log_path = directory / "logs" / f"{name}.log"
    argv = (sys.executable, "-c", f"print('hello', flush=True)\n{code}")
    return Process(name, argv, directory, log_path, logged(log_path, "hello"), **more)  # type: ignore[arg-type]


FOREVER = "import signal\nwhile True: signal.pause()"
ORDERLY = "import signal, sys\nsignal.signal(15, lambda *_: sys.exit('orderly'))\nprint('ears', flush=True)\n" + FOREVER
STUBBORN = "import signal\nsignal.signal(15, signal.SIG_IGN)\nprint('deaf', flush=True)\nwhile True: signal.pause()"


async def test_what_dies_is_started_again(tmp_path: Path) -> None:
    """Another pid, the state ready again, and one restart on record."""
    supervisor = Supervisor(tmp_path)
    await supervisor.start(program(tmp_path, FOREVER))
    first = supervisor.pid("child")
    supervisor.kill("child")
    await until(lambda: supervisor.pid("child") not in {None, first} and supervisor.state("child") == "ready")
    recorded = json.loads((tmp_path / "run.json").read_text())["processes"]["child"]
    assert (recorded["pid"], recorded["restarts"], recorded["state"]) == (supervisor.pid("child"), 1, "ready")
    await supervisor.stop_all()


async def test_stopping_leaves_no_process_behind_not_even_grandchildren(tmp_path: Path) -> None:
    """A grandchild in a session of its own is ended too."""
    grandchild = (
        "import subprocess, sys\n"
        "p = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'], start_new_session=True)\n"
        "print(f'pid={p.pid}', flush=True)\n" + FOREVER
    )
    supervisor = Supervisor(tmp_path)
    process = program(tmp_path, grandchild)
    await supervisor.start(process)
    await until(lambda: "pid=" in process.log_path.read_text())
    pids = [supervisor.pid("child"), int(process.log_path.read_text().split("pid=")[1])]
    await supervisor.stop_all()
    assert not any(psutil.pid_exists(pid) for pid in pids if pid)


async def test_one_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    """SIGTERM first, SIGKILL when its time is up."""
    supervisor = Supervisor(tmp_path)
    process = program(tmp_path, STUBBORN, stop_timeout_s=0.2)
    await supervisor.start(process)
    await until(lambda: "deaf" in process.log_path.read_text())
    pid = supervisor.pid("child")
    await supervisor.stop_all()
    assert pid is not None
    assert not psutil.pid_exists(pid)


async def test_a_second_cancellation_kills_at_once(tmp_path: Path) -> None:
    """Whatever the stop timeout is."""
    supervisor = Supervisor(tmp_path)
    process = program(tmp_path, STUBBORN, stop_timeout_s=3600)
    await supervisor.start(process)
    await until(lambda: "deaf" in process.log_path.read_text())
    pid = supervisor.pid("child")
    stopping = asyncio.create_task(supervisor.stop_all())
    await asyncio.sleep(0)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert pid is not None
    assert not psutil.pid_exists(pid)


async def test_one_that_ends_while_starting_is_explained_by_its_log(tmp_path: Path) -> None:
    """The error carries the last words."""
    supervisor = Supervisor(tmp_path)
    process = program(tmp_path, "", "brief")
    failing = Process(
        "brief",
        (sys.executable, "-c", "raise SystemExit('no disk left')"),
        tmp_path,
        process.log_path,
        logged(process.log_path, "never"),
    )
    with pytest.raises(SetupError, match=r"(?s)brief ended while starting.*no disk left"):
        await supervisor.start(failing)
    await supervisor.stop_all()


async def test_a_start_that_is_cancelled_stops_in_order(tmp_path: Path) -> None:
    """Ctrl-C while a server isn't ready yet: asked to stop, not killed."""
    supervisor = Supervisor(tmp_path)
    process = program(tmp_path, ORDERLY)
    never = dataclasses.replace(process, ready=logged(process.log_path, "never"))
    starting = asyncio.create_task(supervisor.start(never))
    await until(lambda: process.log_path.exists() and "ears" in process.log_path.read_text())
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await supervisor.stop_all()
    assert "orderly" in process.log_path.read_text()


async def test_a_program_that_is_not_there_is_an_error_not_a_hang(tmp_path: Path) -> None:
    """Whatever keeps a child from being run reaches who waits for it."""
    supervisor = Supervisor(tmp_path)
    lost = dataclasses.replace(program(tmp_path, FOREVER), cwd=tmp_path / "nowhere")
    with pytest.raises(SetupError, match="child can't be run"):
        await supervisor.start(lost)
    await supervisor.stop_all()


async def test_groups_stop_in_reverse(tmp_path: Path) -> None:
    """Workers before the servers they need."""
    said: list[Event] = []
    supervisor = Supervisor(tmp_path, said.append)
    await supervisor.start(program(tmp_path, FOREVER, "server"))
    await supervisor.start(program(tmp_path, FOREVER, "worker"))
    await supervisor.stop_all()
    assert [event.name for event in said if event.kind == "stopped"] == ["worker", "server"]


def test_a_data_directory_admits_one_supervisor(tmp_path: Path) -> None:
    """The second is refused in words."""
    with only_one(tmp_path), pytest.raises(Refused, match="already up in"), only_one(tmp_path):
        pass


def test_what_a_killed_supervisor_left_is_stopped_at_the_next_start(tmp_path: Path) -> None:
    """Found by pid and birth together."""
    leftover = subprocess.Popen([sys.executable, "-c", FOREVER])
    run = runfile.begin(tmp_path)
    run.processes["kafka"] = runfile.Running(stop_signal=int(signal.SIGTERM))
    runfile.describe(run.processes["kafka"], leftover.pid)
    runfile.save(tmp_path, run)
    assert stop_leftovers(tmp_path) == ["kafka"]
    assert not psutil.pid_exists(leftover.pid)
    leftover.wait()


def test_a_pid_that_now_is_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    """The same number, another birth."""
    run = runfile.begin(tmp_path)
    run.processes["kafka"] = runfile.Running(pid=os.getpid(), create_time=1.0)
    runfile.save(tmp_path, run)
    assert stop_leftovers(tmp_path) == []
