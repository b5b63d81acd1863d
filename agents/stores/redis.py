"""Redis: a client with short timeouts, its errors as RedisUnavailable, and the pause after a failure.

All data in Redis can be lost: readers and writers work without it. All keys begin with the namespace.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from redis.asyncio import Redis as _Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from relearn.agents.driver_errors import redis as driver
from relearn.agents.driver_errors.verdict import Verdict
from relearn.schemas.errors import RedisUnavailable, SettingsError
from relearn.schemas.settings import Settings

Redis: TypeAlias = _Redis

#: Timeout of connecting, and of a command.
TIMEOUT_S = 0.5
#: Redis is not used for this long after a failure: a request that sends many commands would wait for each.
AWAY_S = 1.0
TAKES_WRITES_KEPT_S = 10


def open_redis(
    settings: Settings, *, answers_within_s: float | None = None, connects_within_s: float | None = None
) -> Redis:
    """A client with string answers. It connects when first used, so this succeeds while Redis is away.

    answers_within_s: timeout of a command, TIMEOUT_S if not given; longer for commands that block in Redis.
    connects_within_s: timeout of a connection, the same; longer for a process that has nothing else to do.

    Raises:
        SettingsError: the driver can't use the address.
    """
    try:
        client = _Redis.from_url(
            settings.redis_url,
            decode_responses=True,
            encoding_errors="replace",
            socket_timeout=TIMEOUT_S if answers_within_s is None else answers_within_s,
            socket_connect_timeout=TIMEOUT_S if connects_within_s is None else connects_within_s,
            retry=Retry(NoBackoff(), 0),
            client_name=settings.namespace,
        )
        pool: Any = client.connection_pool
        pool.make_connection()  # connects to nothing, and fails on a word in the URL that the driver can't use
    except (RedisError, TypeError, ValueError) as exc:
        raise SettingsError(f"RELEARN_REDIS_URL: {exc}") from exc
    return client


@contextmanager
def redis_errors() -> Iterator[None]:
    """Raise every error of the driver as RedisUnavailable: all that Redis has may be lost, so callers go on without."""
    try:
        yield
    except (RedisError, OSError, TimeoutError) as exc:
        if driver.verdict_of(exc) is not Verdict.RETRYABLE:
            where = "Redis refuses; look at RELEARN_REDIS_URL"
        elif isinstance(exc, ResponseError):
            where = "Redis refuses"  # for now: it is full, or a replica, or can't write to its disk
        else:
            where = "Redis doesn't answer at RELEARN_REDIS_URL"
        raise RedisUnavailable(f"{where}: {str(exc) or type(exc).__name__}") from exc


async def check_takes_writes(redis: Redis, namespace: str) -> None:
    """Return if Redis takes writes. A full one, a replica and one whose disk fails answer reads only.

    What is missing in such a server may only not have been written.

    Raises:
        RedisUnavailable: it doesn't, or is away.
    """
    with redis_errors():
        await redis.set(f"{namespace}:takes-writes", "1", ex=TAKES_WRITES_KEPT_S)


class RedisBackoff:
    """Whether Redis is to be left out for now: for AWAY_S after each failure."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until_s: float | None = None

    @property
    def active(self) -> bool:
        """Whether the last failure is less than AWAY_S ago."""
        return self._until_s is not None and self._clock() < self._until_s

    def fail(self) -> bool:
        """Note a failure; True if it is the first since the last success."""
        first, self._until_s = self._until_s is None, self._clock() + AWAY_S
        return first

    def succeed(self) -> bool:
        """Note a success; True if it is the first since the last failure."""
        first, self._until_s = self._until_s is not None, None
        return first
