"""`relearn up`, as a person runs it: a real process, real servers, signals."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from relearn.schemas.settings import Settings
from relearn.scripts.client.environment import read_servers

DEADLINE_S = 120


def until(condition: Callable[[], Any], what: str) -> Any:
    """What `condition` returns once it is true; fails at the deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {DEADLINE_S} s: {what}")


class Up:
    """`relearn up` in a directory of its own."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.directory = directory
        self.options = options or ("--servers-only",)
        self.data_dir = directory / ".relearn"
        directory.mkdir(exist_ok=True)
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        process = self.command()
        until(lambda: self._is_up(process), "up")
        return process

    def command(self) -> subprocess.Popen[bytes]:
        """Its words go to a file, so that no pipe fills up."""
        with (self.directory / "words.txt").open("wb") as words:
            argv = [sys.executable, "-m", "relearn.scripts", "up", *self.options]
            process = subprocess.Popen(argv, cwd=self.directory, env=self._environment(), stderr=words)
        self.processes.append(process)
        return process

    def words(self) -> str:
        return (self.directory / "words.txt").read_text()

    def recorded(self, name: str) -> dict[str, Any]:
        return dict(json.loads((self.data_dir / "run.json").read_text())["processes"][name])

    def kill(self) -> None:
        """And all that it runs."""
        for process in self.processes:
            process.kill()
            process.wait()

    def status(self) -> dict[str, Any]:
        """The output of `relearn status --json`."""
        argv = [sys.executable, "-m", "relearn.scripts", "status", "--json"]
        environment = self._environment()
        done = subprocess.run(argv, cwd=self.directory, env=environment, capture_output=True, text=True, check=False)
        assert done.stdout, done.stderr
        return dict(json.loads(done.stdout))

    def _is_up(self, process: subprocess.Popen[bytes]) -> bool:
        assert process.poll() is None, self.words()
        return "Relearn is up" in self.words()

    def _environment(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if not name.startswith("RELEARN_")}


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """In a path with a space, an apostrophe and a letter that isn't ASCII."""
    up = Up(tmp_path / "a person's clöne")
    yield up
    up.kill()


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Up]:
    """With the API, and without workers."""
    up = Up(tmp_path / "up", "--score", "0", "--store", "0")
    yield up
    up.kill()


def ask(up: Up, query: str) -> Any:
    async def fetch() -> Any:
        connection = await asyncpg.connect(read_servers(up.data_dir)["RELEARN_POSTGRES_OWNER_DSN"])
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def living(family: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run; one that waits for the system to notice its end doesn't."""

    def lives(one: psutil.Process) -> bool:
        try:
            return bool(one.is_running() and one.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    return [one for one in family if lives(one)]


def kafka_admin(up: Up) -> AdminClient:
    return AdminClient({"bootstrap.servers": read_servers(up.data_dir)["RELEARN_KAFKA_BROKERS"]})


def test_up_keeps_its_servers_and_their_data_through_every_kind_of_end(up: Up) -> None:
    """One story, because each start costs seconds: refuse a second, lose Postgres, stop, be killed."""
    process = up.start()
    ask(up, "CREATE TABLE kept AS SELECT 42 AS answer")
    admin = kafka_admin(up)
    admin.create_topics([NewTopic("kept", num_partitions=3)])["kept"].result(30)

    second = subprocess.run(
        [sys.executable, "-m", "relearn.scripts", "up", "--servers-only"],
        cwd=up.directory,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert second.returncode == 2
    assert f"already up in {up.data_dir} (pid {process.pid})" in second.stderr

    killed = up.recorded("postgres")["pid"]
    os.kill(killed, signal.SIGKILL)
    until(
        lambda: (now := up.recorded("postgres"))["state"] == "ready" and now["pid"] != killed,
        "Postgres started again",
    )
    assert ask(up, "SELECT answer FROM kept") == 42
    assert "postgres   killed by SIGKILL, starting it again" in up.words()

    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) > 3
    process.send_signal(signal.SIGTERM)
    assert process.wait(DEADLINE_S) == 0
    assert not living(family)

    process = up.start()
    assert ask(up, "SELECT answer FROM kept") == 42
    assert len(kafka_admin(up).list_topics(timeout=30).topics["kept"].partitions) == 3

    family = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    if sys.platform == "linux":
        until(lambda: not living(family), "children gone with up")


def test_ctrl_c_during_the_first_start_leaves_nothing_running_and_the_next_start_works(up: Up) -> None:
    """A half-made data directory is noticed and made again."""
    process = up.command()
    until(lambda: "making a database cluster" in up.words(), "initdb")
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    assert process.wait(DEADLINE_S) == 0
    assert not living(family)
    assert up.start().poll() is None


def test_the_api_is_part_of_it_and_found_at_the_port_that_it_got(answering: Up) -> None:
    """Another than the usual one where that is taken; killed, it is started again there."""
    usual = Settings.model_fields["api_port"].default
    with ExitStack() as taken:
        with suppress(OSError):  # by another process, where this fails
            taken.enter_context(socket.create_server(("127.0.0.1", usual)))
        process = answering.start()
    port = int(read_servers(answering.data_dir)["RELEARN_API_PORT"])
    assert port != usual
    address = f"http://127.0.0.1:{port}"
    assert f"api       {address}" in answering.words()
    condition = answering.status()
    assert (condition["api"]["address"], condition["api"]["state"]) == (address, "not ready")
    until(lambda: answering.status()["down"] == [], "heartbeats")
    os.kill(answering.recorded("api")["pid"], signal.SIGKILL)
    until(lambda: (now := answering.recorded("api"))["restarts"] == 1 and now["state"] == "ready", "again")
    assert answering.status()["api"]["address"] == address
    process.send_signal(signal.SIGTERM)
    assert process.wait(DEADLINE_S) == 0
