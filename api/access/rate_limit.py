"""Rate limit per API key: a token bucket in Redis that all processes share, or a local one while Redis is away.

A process takes tokens for a twentieth of a second at once, so that a busy process calls Redis twenty times a second
instead of per request. Unused tokens expire after a second: with n processes, a key gets at most n such lots more than
its rate.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from relearn.agents.stores.redis import Redis, RedisBackoff, redis_errors
from relearn.api.access.token_bucket import Bucket, capacity, take, wait_s
from relearn.api.http.problems import ProblemError
from relearn.schemas.errors import RedisUnavailable
from relearn.schemas.settings import Settings

log = structlog.get_logger()

LOTS_A_SECOND = 20
#: Unused tokens expire after this time.
KEPT_S = 1.0
# As in api/access/token_bucket.py, by Redis' clock. Numbers are text, since Redis truncates Lua's to integers.
_TAKE = """
local rate, most, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1e6
local held = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(held[1] or most), tonumber(held[2] or now)
tokens = math.min(most, tokens + math.max(0, now - at) * rate)
local taken = math.min(wanted, math.floor(tokens))
tokens = tokens - taken
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.6f', math.max(at, now)))
redis.call('PEXPIRE', KEYS[1], math.ceil(1000 * most / rate) + 1000)
return {taken, string.format('%.6f', tokens)}
"""


class RateLimit(Protocol):
    """Counts the requests of API keys."""

    async def spend(self, key_id: str) -> None:
        """Count one request.

        Raises:
            ProblemError: the key is above its rate; with `Retry-After`.
        """
        ...


class Unlimited:
    """No limit."""

    async def spend(self, key_id: str) -> None:
        """Allow the request."""


@dataclass(slots=True)
class _Held:
    """Tokens of one API key in this process: `tokens` until `until_s`; no more are available before `again_s`."""

    tokens: int = 0
    until_s: float = 0.0
    again_s: float = 0.0
    bucket: Bucket | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class SharedRateLimit:
    """`rate` requests per second for each API key, with bursts of twice as many."""

    def __init__(self, redis: Redis, namespace: str, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._lot = max(1, int(rate / LOTS_A_SECOND))
        self._take = redis.register_script(_TAKE)
        self._namespace = namespace
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._backoff = RedisBackoff(clock)

    async def spend(self, key_id: str) -> None:
        held = self._held.setdefault(key_id, _Held())
        async with held.lock:
            now_s = self._clock()
            if not held.tokens or now_s >= held.until_s:
                held.tokens = 0
                if now_s >= held.again_s:
                    await self._fetch(key_id, held, now_s)
            if not held.tokens:
                left_s = max(0.0, held.again_s - now_s)
                detail = f"This key may send {self._rate:g} requests per second, and bursts of twice as many."
                raise ProblemError("too-many-requests", detail, headers={"Retry-After": str(max(1, math.ceil(left_s)))})
            held.tokens -= 1

    async def _fetch(self, key_id: str, held: _Held, now_s: float) -> None:
        """Take tokens from Redis, else from the local bucket; without any, note when the next is available."""
        found = None if self._backoff.active else await self._from_redis(key_id)
        wanted = 1 if found is None else self._lot
        if found is None:
            held.bucket, taken = take(held.bucket, 1, now_s, self._rate)
            left = held.bucket
        else:
            held.bucket, (left, taken) = None, found
        held.tokens, held.until_s = taken, now_s + KEPT_S
        held.again_s = now_s if taken else now_s + wait_s(left, wanted, self._rate)

    async def _from_redis(self, key_id: str) -> tuple[Bucket, int] | None:
        arguments = (self._rate, capacity(self._rate), self._lot)
        try:
            with redis_errors():
                taken, left = await self._take(keys=[f"{self._namespace}:rate:{key_id}"], args=arguments)
        except RedisUnavailable as exc:
            if self._backoff.fail():
                log.warning("rate_limit_local", error=str(exc))
            return None
        if self._backoff.succeed():
            log.info("rate_limit_shared")
        return Bucket(float(left), 0.0), int(taken)


def make_rate_limit(settings: Settings, redis: Redis) -> RateLimit:
    """The rate limit of RELEARN_API_RATE."""
    return Unlimited() if settings.api_rate is None else SharedRateLimit(redis, settings.namespace, settings.api_rate)
