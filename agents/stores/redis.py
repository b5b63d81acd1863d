"""Redis at the edge: a client that never makes anyone wait long, and its errors in our own words.

Everything in Redis may be lost; whoever writes here goes on without it. All keys begin with the namespace.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from redis.asyncio import Redis as _Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from relearn.schemas.errors import RedisUnavailable, SettingsError
from relearn.schemas.settings import Settings

Redis: TypeAlias = _Redis

#: Longest wait for a connection, and for an answer.
TIMEOUT_S = 0.5


def open_redis(settings: Settings, *, answers_within_s: float = TIMEOUT_S) -> Redis:
    """A client with string answers. It connects when first used, so this succeeds while Redis is away.

    `answers_within_s` is longer for whoever asks Redis to wait before it answers.

    Raises:
        SettingsError: the address says something that the driver doesn't know.
    """
    try:
        client = _Redis.from_url(
            settings.redis_url,
            decode_responses=True,
            encoding_errors="replace",
            socket_timeout=answers_within_s,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            client_name=settings.namespace,
        )
        pool: Any = client.connection_pool
        pool.make_connection()  # connects to nothing, and fails on a word in the URL that the driver can't use
    except (RedisError, TypeError, ValueError) as exc:
        raise SettingsError(f"RELEARN_REDIS_URL: {exc}") from exc
    return client


@contextmanager
def redis_translated() -> Iterator[None]:
    """Every error of the driver as RedisUnavailable: whatever ails Redis, we go on without it and try again."""
    try:
        yield
    except (RedisError, OSError, TimeoutError) as exc:
        where = "Redis doesn't answer at RELEARN_REDIS_URL"
        raise RedisUnavailable(f"{where}: {str(exc) or type(exc).__name__}") from exc
