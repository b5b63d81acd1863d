"""Whether a Redis server is as Relearn needs it. All data in it can be lost, so only what would break is refused."""

from __future__ import annotations

from relearn.agents.stores.redis import open_redis, redis_errors
from relearn.schemas.errors import SetupError
from relearn.schemas.settings import Settings

#: ZMSCORE and exclusive ranges of streams.
OLDEST_VERSION = (6, 2)
_ANSWERS_WITHIN_S = 3.0


async def check_redis(settings: Settings) -> list[str]:
    """Return if the server can be used; returns advice, one line each.

    Raises:
        RedisUnavailable: Retryable.
        SetupError: it is too old, a cluster or a replica.
    """
    redis = open_redis(settings, answers_within_s=_ANSWERS_WITHIN_S, connects_within_s=_ANSWERS_WITHIN_S)
    try:
        with redis_errors():
            facts = await redis.info()
    finally:
        await redis.aclose()
    return judged(facts)


def judged(facts: dict[str, object]) -> list[str]:
    """Advice about a server with this answer to INFO.

    Raises:
        SetupError: as `check_redis`.
    """
    version = str(facts.get("redis_version", ""))
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    if len(numbers) == 2 and numbers < OLDEST_VERSION:
        raise SetupError(f"Redis is version {version}; Relearn needs {'.'.join(map(str, OLDEST_VERSION))} or later")
    if facts.get("redis_mode") == "cluster":
        raise SetupError(
            "RELEARN_REDIS_URL is a Redis cluster; Relearn needs a single server or a primary with replicas"
        )
    if facts.get("role") in {"slave", "replica"}:
        raise SetupError("RELEARN_REDIS_URL is a read-only replica; name its primary")
    policy, maximum = str(facts.get("maxmemory_policy", "")), int(str(facts.get("maxmemory") or 0))
    if policy == "noeviction" and maximum:
        return [
            "advice: Redis has maxmemory-policy noeviction: once it is full, live events, claims and limits stop until "
            "there is room; allkeys-lru keeps them going"
        ]
    return []
