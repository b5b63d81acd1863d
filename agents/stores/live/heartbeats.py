"""Workers' heartbeats in Redis: one key per worker that expires, and a list of the workers' names."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from relearn.agents.stores.live.events import put_events
from relearn.agents.stores.redis import Redis, check_takes_writes, redis_errors
from relearn.schemas.http.events import WorkerEvent

#: A worker without a heartbeat for this long is no longer listed.
EXPIRES_S = 10
#: The list of names expires without any heartbeat. The clock is Redis': workers' clocks may differ by anything.
NAME_KEPT_S = 3600


def worker_key(namespace: str, worker_id: str) -> str:
    """The Redis key of one worker's heartbeat."""
    return f"{namespace}:worker:{worker_id}"


def _names_key(namespace: str) -> str:
    return f"{namespace}:workers"


async def send_heartbeat(redis: Redis, namespace: str, beat: dict[str, Any], *, tell: bool = False) -> None:
    """Write one heartbeat, which expires after EXPIRES_S; with `tell`, also append it to the live events.

    Raises:
        RedisUnavailable: Retryable; the heartbeat was not written.
    """
    names = _names_key(namespace)
    with redis_errors():
        async with redis.pipeline(transaction=False) as pipe:
            pipe.set(worker_key(namespace, beat["id"]), json.dumps(beat), ex=EXPIRES_S)
            if tell:
                put_events(pipe, namespace, _event(beat))
            pipe.zadd(names, {beat["id"]: 0})
            pipe.expire(names, NAME_KEPT_S)
            await pipe.execute()


def _event(beat: dict[str, Any]) -> WorkerEvent:
    """The heartbeat as a live event, its times as text."""
    notices = [{**one, "since": _text_of(one["since"])} for one in beat.get("notices", ())]
    return msgspec.convert({**beat, "seen_at": _text_of(beat["seen_at"]), "notices": notices}, WorkerEvent)


def _text_of(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat()


async def read_worker(redis: Redis, namespace: str, worker_id: str) -> dict[str, Any] | None:
    """The last heartbeat of one worker; None if it is older than EXPIRES_S.

    Raises:
        RedisUnavailable: Retryable.
    """
    with redis_errors():
        return _readable(await redis.get(worker_key(namespace, worker_id)))


async def read_workers(redis: Redis, namespace: str) -> list[dict[str, Any]]:
    """The last heartbeat of every worker that is alive, by role and id.

    Raises:
        RedisUnavailable: Retryable. Also where a heartbeat is missing and Redis takes no writes: nothing is known then.
    """
    with redis_errors():
        # By the list of names. A search for keys would walk over all keys of the server.
        names: list[Any] = await redis.zrange(_names_key(namespace), 0, -1)
        beats = await redis.mget([worker_key(namespace, name) for name in names]) if names else []
        gone = [name for name, beat in zip(names, beats, strict=True) if beat is None]
        if gone or not names:
            await check_takes_writes(redis, namespace)
        if gone:
            # A worker that comes back adds its name with its next heartbeat.
            await redis.zrem(_names_key(namespace), *gone)
    workers = [worker for beat in beats if (worker := _readable(beat)) is not None]
    return sorted(workers, key=lambda worker: (worker["role"], worker["id"]))


def missing_workers(expected: Mapping[str, int], workers: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The roles of which fewer workers are alive than expected: `[{"role", "expected", "seen"}, …]`."""
    seen = Counter(worker["role"] for worker in workers)
    return [
        {"role": role, "expected": number, "seen": seen[role]}
        for role, number in expected.items()
        if seen[role] < number
    ]


def _readable(beat: str | bytes | None) -> dict[str, Any] | None:
    """The heartbeat as a dict; None where the key has expired or holds something else."""
    try:
        worker = json.loads(beat) if beat else None
    except (ValueError, RecursionError):
        return None
    known = isinstance(worker, dict) and isinstance(worker.get("id"), str) and isinstance(worker.get("role"), str)
    return worker if known else None
