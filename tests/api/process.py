"""The API as a process of its own: the very command of `relearn api`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from schemas.settings import Settings
from scripts.embedded import ports
from scripts.embedded.keys import ensure_pair
from tests.waiting import eventually
from tests.workers import ROOT, environment


@dataclass(frozen=True)
class ApiProcess:
    """It listens at `port` of loopback."""

    process: subprocess.Popen[bytes]
    port: int
    settings: Settings

    @property
    def url(self) -> str:
        """Without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """All that it has said."""
        return (self.settings.data_dir / "api.log").read_text(errors="replace")

    @property
    def rss_bytes(self) -> int:
        """The memory of it and its children that is in use."""
        parent = psutil.Process(self.process.pid)
        return sum(int(one.memory_info().rss) for one in (parent, *parent.children(recursive=True)))


@contextmanager
def api_process(settings: Settings, *arguments: str, level: str = "info") -> Iterator[ApiProcess]:
    """The API while the block runs; SIGTERM at its end. It listens when the block begins."""
    ensure_pair(settings.keys_dir)
    port = ports.choose(27_000)
    with (settings.data_dir / "api.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "scripts", "api", *arguments],
            cwd=ROOT,
            env=environment(settings, API_PORT=str(port), LOG_LEVEL=level),
            stdout=log,
            stderr=log,
        )
    found = ApiProcess(process, port, settings)
    try:
        eventually(lambda: "event=serving" in found.log or process.poll() is not None, lambda: found.log)
        yield found
    finally:
        process.terminate()
        process.wait(60)
