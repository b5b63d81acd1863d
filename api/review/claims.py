"""Claims: a record served to one reviewer is served to no other until its claim expires."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Collection

import structlog

from relearn.agents.stores.redis import Redis, RedisBackoff, redis_errors
from relearn.schemas.errors import RedisUnavailable

log = structlog.get_logger()

_RELEASE = """
for _, name in ipairs(KEYS) do
    if redis.call('GET', name) == ARGV[1] then redis.call('DEL', name) end
end
"""


class Claims:
    """The claims of one namespace: in Redis, or in this process only while Redis is away."""

    def __init__(self, redis: Redis, namespace: str, expires_s: float, clock: Callable[[], float] = time.monotonic):
        self._redis = redis
        self._release = redis.register_script(_RELEASE)
        self._namespace = namespace
        self._expires_s = expires_s
        self._clock = clock
        self._claimant = os.urandom(16).hex()
        self._ours: dict[str, float] = {}
        self._backoff = RedisBackoff(clock)

    def ours(self) -> frozenset[str]:
        """Keys that this process claimed or found claimed, and whose claims haven't expired."""
        now_s = self._clock()
        self._ours = {key: until_s for key, until_s in self._ours.items() if until_s > now_s}
        return frozenset(self._ours)

    async def claim(self, key: str) -> bool:
        """Claim `key`; False if it is claimed already. Of concurrent claims of several processes only one succeeds."""
        if key in self.ours():
            return False
        self._ours[key] = self._clock() + self._expires_s
        if self._backoff.active:
            return True
        try:
            left_s = await self._claimed_elsewhere(key)
        except RedisUnavailable as exc:
            self._redis_failed(exc)
            return True
        if left_s is not None:
            self._ours[key] = self._clock() + left_s
        return left_s is None

    async def release(self, keys: Collection[str]) -> None:
        """Release claims of this process. Without Redis they end for other processes when they expire."""
        for key in keys:
            self._ours.pop(key, None)
        if not keys or self._backoff.active:
            return
        try:
            with redis_errors():
                await self._release(keys=[self._name(key) for key in keys], args=[self._claimant])
        except RedisUnavailable as exc:
            self._redis_failed(exc)

    async def _claimed_elsewhere(self, key: str) -> float | None:
        """Seconds until another process's claim expires; None: there was none, and `key` is claimed now."""
        name = self._name(key)
        with redis_errors():
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.set(name, self._claimant, nx=True, px=int(1000 * self._expires_s))
                pipe.pttl(name)
                claimed, left_ms = await pipe.execute()
        return None if claimed else max(0, left_ms) / 1000

    def _redis_failed(self, exc: RedisUnavailable) -> None:
        self._backoff.fail()
        log.debug("claims_local", error=str(exc))

    def _name(self, key: str) -> str:
        return f"{self._namespace}:claim:{hashlib.sha256(key.encode()).hexdigest()}"
