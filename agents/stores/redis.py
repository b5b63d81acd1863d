"""Redis at the edge: a client that never makes anyone wait long, and its errors in our own words.

Everything in Redis may be lost; whoever writes here goes on without it. All keys begin with the namespace.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

from redis.asyncio import Redis as _Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from schemas.errors import RedisUnavailable
from schemas.settings import Settings

Redis: TypeAlias = _Redis

#: Longest wait for a connection, and for an answer.
TIMEOUT_S = 0.5


def open_redis(settings: Settings) -> Redis:
    """A client with string answers. It connects when first used, so this succeeds while Redis is away."""
    return _Redis.from_url(
        settings.redis_url,
        decode_responses=True,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
        client_name=settings.namespace,
    )


@contextmanager
def redis_translated() -> Iterator[None]:
    """Every error of the driver as RedisUnavailable: whatever ails Redis, we go on without it and try again."""
    try:
        yield
    except (RedisError, OSError, TimeoutError) as exc:
        raise RedisUnavailable(f"Redis doesn't answer: {exc or type(exc).__name__}") from exc
