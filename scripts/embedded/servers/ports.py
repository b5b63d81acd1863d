"""Chooses a server's port: the one of the last start, else the default one, else the next free one."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pwd
import socket
import sys
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from relearn.schemas.errors import SetupError
from relearn.scripts.client.private_files import make_private

LOOPBACK = "127.0.0.1"
SPAN = 200


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of loopback now. Connections in TIME_WAIT don't matter."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def choose(
    usual: int, *, last: int | None = None, taken: Collection[int] = (), free: Callable[[int], bool] = is_free
) -> int:
    """A free port: `last`, else `usual`, else the nearest above `usual`; never one of `taken`.

    Raises:
        SetupError: when none of `SPAN` ports is free.
    """
    candidates = ([last] if last else []) + list(range(usual, usual + SPAN))
    for port in candidates:
        if port < 65536 and port not in taken and free(port):
            return port
    raise SetupError(f"no free port between {usual} and {usual + SPAN - 1} on {LOOPBACK}")


def lock_directory(environment: Mapping[str, str]) -> Path:
    """A directory of this user alone, for the lock: never the shared temporary directory, where others can be first.

    Raises:
        SetupError: there is none.
    """
    home = environment.get("HOME") or pwd.getpwuid(os.geteuid()).pw_dir
    cache = environment.get("XDG_CACHE_HOME") or f"{home}/.cache"
    reasons = []
    for parent in filter(None, (environment.get("XDG_RUNTIME_DIR"), cache, sys.prefix)):
        try:
            return make_private(Path(parent) / "relearn")
        except (OSError, SetupError) as exc:
            reasons.append(str(exc))
    raise SetupError(f"there is no directory for a lock; set XDG_RUNTIME_DIR to one of your own ({'; '.join(reasons)})")


@asynccontextmanager
async def choosing() -> AsyncIterator[None]:
    """Hold this lock from the choice of ports until servers listen on them: concurrent starts would choose the same."""
    lock = os.open(lock_directory(os.environ) / "ports.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        while not _acquired(lock):  # noqa: ASYNC110 - another process has it
            await asyncio.sleep(0.1)
        yield
    finally:
        os.close(lock)


def _acquired(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
