"""The description of a child process: its command, its readiness check, and how it is stopped."""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from relearn.scripts.embedded.servers.account import Account

Ready = Callable[[int], Awaitable[bool]]
"""Whether the process is ready, given the size of its log when it was started. Never raises; returns within seconds."""


@dataclass(frozen=True)
class Process:
    """What `Supervisor` starts. `ready_timeout_s` None: the start doesn't wait for readiness."""

    name: str
    argv: tuple[str, ...]
    cwd: Path
    log_path: Path
    ready: Ready
    env: Mapping[str, str] | None = None
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 20.0
    ready_timeout_s: float | None = 60.0
    before_start: Callable[[], None] | None = None


def logged(path: Path, word: str) -> Ready:
    """Ready once the process has written `word` to its log since it was started."""

    async def ready(since: int) -> bool:
        return word.encode() in _written(path, since)

    return ready


def last_lines(path: Path, count: int = 12, since: int = 0) -> str:
    """The last lines of a log, for an error message."""
    text = _written(path, max(since, _size(path) - 20_000)).decode(errors="replace")
    return "\n".join(text.splitlines()[-count:])


def _written(path: Path, since: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(since if since <= _size(path) else 0)  # a truncated log starts again at 0
            return file.read()
    except FileNotFoundError:
        return b""


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - one call, no object
    except FileNotFoundError:
        return 0
