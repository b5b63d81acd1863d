"""The API as processes: the command `relearn api` itself."""

from __future__ import annotations

import json
import re
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from relearn.schemas.settings import Settings
from relearn.scripts.dev.bench.faults.servers import free_ports
from relearn.scripts.embedded.keys import ensure_pair
from tests.support.processes.forked import ForkedCommand
from tests.support.processes.workers import environment
from tests.support.waiting import eventually


class ApiProcess:
    """`relearn api`, with its log in a file."""

    def __init__(self, settings: Settings, *options: str, port: int | None = None, **given: str) -> None:
        ensure_pair(settings.keys_dir)
        self.port = port or free_ports().valkey
        self.log_path = settings.data_dir / f"api-{self.port}.log"
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        argv = ("api", "--port", str(self.port), *options)
        self.process = ForkedCommand(argv, environment(settings, **given), self.log_path)

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def wait_for(self, text: str, times: int = 1) -> None:
        """Until its log reports it."""
        eventually(
            lambda: self.log.count(text) >= times or self.process.poll() is not None,
            lambda: f"it never said {text!r}:\n{self.log[-3000:]}",
        )
        assert self.log.count(text) >= times, self.log[-3000:]

    def answer(self, path: str) -> str:
        """On a connection of its own."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as response:
            return str(response.read().decode())

    def connect(self) -> socket.socket:
        """A connection without any HTTP on it yet."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def number(self) -> str | None:
        """Which process answers; None where none does."""
        with suppress(urllib.error.URLError, ConnectionError):
            found = re.search(r'relearn_info{.*process="(\d+)"', self.answer("/metrics"))
            return found[1] if found else None
        return None

    def json(self, path: str) -> Any:
        return json.loads(self.answer(path))

    def terminate(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(60)


@contextmanager
def an_api(settings: Settings, *options: str, **given: Any) -> Iterator[ApiProcess]:
    """One while the block runs."""
    process = ApiProcess(settings, *options, **given)
    try:
        yield process
    finally:
        if process.process.poll() is None:
            process.process.kill()
            process.process.wait()
