"""How often a key may ask: a bucket in Redis that all processes share, or one here while Redis is away.

It is taken from in lots of a twentieth of a second's worth, so that a busy process asks Redis twenty times a second and
not for every request. What it holds unused is forgotten after a second: with n processes, a key gets at most n lots
more than its rate.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from relearn.agents.stores.redis import Redis, redis_translated
from relearn.api.access.token_bucket import Bucket, holds_at_most, take, wait_s
from relearn.api.http.problems import Failure
from relearn.schemas.errors import RedisUnavailable
from relearn.schemas.settings import Settings

log = structlog.get_logger()

LOTS_A_SECOND = 20
#: An unused lot is forgotten after this.
KEPT_S = 1.0
#: Redis that didn't answer is left alone for so long.
AWAY_S = 1.0
# As in api/access/token_bucket.py, by Redis' own clock; numbers as text, since Redis cuts those of Lua to whole ones.
_TAKE = """
local rate, most, asked = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1e6
local held = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(held[1] or most), tonumber(held[2] or now)
tokens = math.min(most, tokens + math.max(0, now - at) * rate)
local taken = math.min(asked, math.floor(tokens))
tokens = tokens - taken
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.6f', math.max(at, now)))
redis.call('PEXPIRE', KEYS[1], math.ceil(1000 * most / rate) + 1000)
return {taken, string.format('%.6f', tokens)}
"""


class Rates(Protocol):
    """Counts what keys ask."""

    async def spend(self, key_id: str) -> None:
        """Count one request.

        Raises:
            Failure: the key has asked too often; with `Retry-After`.
        """
        ...


class Unlimited:
    """Whoever asks may ask again."""

    async def spend(self, key_id: str) -> None:
        """Nothing."""


@dataclass(slots=True)
class _Held:
    """What this process holds for one key: `tokens` until `until_s`; none to be had before `again_s`."""

    tokens: int = 0
    until_s: float = 0.0
    again_s: float = 0.0
    bucket: Bucket | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class SharedRates:
    """`rate` requests a second for each key, twice as many at once."""

    def __init__(self, redis: Redis, namespace: str, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._lot = max(1, int(rate / LOTS_A_SECOND))
        self._take = redis.register_script(_TAKE)
        self._namespace = namespace
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._away_until_s: float | None = None

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
                said = f"This key may ask {self._rate:g} times a second, and twice as often at once."
                raise Failure("too-many-requests", said, headers={"Retry-After": str(max(1, math.ceil(left_s)))})
            held.tokens -= 1

    async def _fetch(self, key_id: str, held: _Held, now_s: float) -> None:
        """Get tokens from Redis, else from the bucket here; where there are none, note when there will be."""
        found = None if self._is_away(now_s) else await self._from_redis(key_id)
        wanted = 1 if found is None else self._lot
        if found is None:
            held.bucket, taken = take(held.bucket, 1, now_s, self._rate)
            left = held.bucket
        else:
            held.bucket, (left, taken) = None, found
        held.tokens, held.until_s = taken, now_s + KEPT_S
        held.again_s = now_s if taken else now_s + wait_s(left, wanted, self._rate)

    def _is_away(self, now_s: float) -> bool:
        return self._away_until_s is not None and now_s < self._away_until_s

    async def _from_redis(self, key_id: str) -> tuple[Bucket, int] | None:
        arguments = (self._rate, holds_at_most(self._rate), self._lot)
        try:
            with redis_translated():
                taken, left = await self._take(keys=[f"{self._namespace}:rate:{key_id}"], args=arguments)
        except RedisUnavailable as exc:
            if self._away_until_s is None:
                log.warning("rates_counted_here", error=str(exc))
            self._away_until_s = self._clock() + AWAY_S
            return None
        if self._away_until_s is not None:
            log.info("rates_shared_again")
        self._away_until_s = None
        return Bucket(float(left), 0.0), int(taken)


def make_rates(settings: Settings, redis: Redis) -> Rates:
    """As RELEARN_API_RATE says."""
    return Unlimited() if settings.api_rate is None else SharedRates(redis, settings.namespace, settings.api_rate)
