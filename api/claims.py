"""Claims: what was served to one reviewer for review, so that nobody else gets it for a while."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

import structlog

from agents.stores.redis import Redis, redis_translated
from schemas.errors import RedisUnavailable

log = structlog.get_logger()


class Claims:
    """The claims of one namespace: in Redis, and while that is away of this process alone."""

    def __init__(self, redis: Redis, namespace: str, expires_s: float, clock: Callable[[], float] = time.monotonic):
        self._redis = redis
        self._namespace = namespace
        self._expires_s = expires_s
        self._clock = clock
        self._ours: dict[str, float] = {}

    def ours(self) -> frozenset[str]:
        """Keys that this process has claimed, or found claimed, and that may still be."""
        now_s = self._clock()
        self._ours = {key: until_s for key, until_s in self._ours.items() if until_s > now_s}
        return frozenset(self._ours)

    async def claim(self, key: str) -> bool:
        """Claim what `key` is about; False if somebody has. Two processes that ask at once never both get it."""
        if key in self.ours():
            return False
        self._ours[key] = self._clock() + self._expires_s
        name = f"{self._namespace}:claim:{hashlib.sha256(key.encode()).hexdigest()}"
        try:
            with redis_translated():
                return bool(await self._redis.set(name, "1", nx=True, px=int(1000 * self._expires_s)))
        except RedisUnavailable as exc:
            log.debug("claim_in_this_process_alone", error=str(exc))
            return True
