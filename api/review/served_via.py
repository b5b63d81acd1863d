"""The `via` under which each record was served for review. Feedback is recorded with this, not the sender's `via`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import structlog

from relearn.agents.stores.redis import Redis, redis_errors
from relearn.schemas.errors import RedisUnavailable
from relearn.schemas.identity import Place
from relearn.schemas.messages.feedback import Via

log = structlog.get_logger()

#: Feedback later than this counts as `volunteer`.
REMEMBERED_S = 24 * 3600


async def remember_served(redis: Redis, namespace: str, served: Mapping[Place, Via]) -> None:
    """Store the `via` of served records. Lost while Redis is away."""
    if not served:
        return
    try:
        with redis_errors():
            async with redis.pipeline(transaction=False) as pipe:
                for place, via in served.items():
                    pipe.set(_key(namespace, place), via, ex=REMEMBERED_S)
                await pipe.execute()
    except RedisUnavailable as exc:
        log.warning("served_via_not_stored", items=len(served), error=str(exc))


async def served_via(redis: Redis, namespace: str, places: Sequence[Place]) -> list[Via]:
    """The `via` of each place; `volunteer` if it wasn't served or Redis is away."""
    if not places:
        return []
    try:
        with redis_errors():
            found = await redis.mget([_key(namespace, place) for place in places])
    except RedisUnavailable as exc:
        log.warning("served_via_unavailable", items=len(places), error=str(exc))
        found = [None] * len(places)
    return [cast(Via, str(via)) if via else "volunteer" for via in found]


def _key(namespace: str, place: Place) -> str:
    return f"{namespace}:served:{place}"
