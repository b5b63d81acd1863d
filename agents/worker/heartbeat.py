"""What each worker says of itself, once a second, in Redis: who it is, which model it serves, how far behind it is.

Where that is news, it says it to those who follow the live events too.
"""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import Any

import faust
import msgspec
import structlog

from relearn.agents.stores.live.events import put_events
from relearn.agents.stores.redis import Redis, open_redis, redis_translated
from relearn.agents.worker.state import WorkerState
from relearn.schemas.errors import RedisUnavailable
from relearn.schemas.http.events import WorkerEvent
from relearn.schemas.settings import Settings

log = structlog.get_logger()

EVERY_S = 1.0
#: A worker that is silent for this long is no longer listed.
EXPIRES_S = 10
#: What is news: the rest of a heartbeat changes all the time.
_NEWS = ("model", "activation", "shadow", "partitions", "condition")
#: Its name is kept for longer, so that clocks that differ take nobody's off the list.
FORGOTTEN_S = 3600


def worker_key(namespace: str, worker_id: str) -> str:
    """The Redis key of one worker's heartbeat."""
    return f"{namespace}:worker:{worker_id}"


def _names_key(namespace: str) -> str:
    return f"{namespace}:workers"


def attach_heartbeat(app: faust.App, settings: Settings, state: WorkerState) -> None:
    """Add the task that writes this worker's heartbeat for as long as the app runs."""

    async def beat() -> None:
        await _beat(app, settings, state)

    app.task(beat)


async def _beat(app: faust.App, settings: Settings, state: WorkerState) -> None:
    redis = open_redis(settings)
    before_s, before = time.monotonic(), state.records
    away, told = False, None
    try:
        while not app.should_stop:
            await asyncio.sleep(EVERY_S)
            now_s, records = time.monotonic(), state.records
            rate = (records - before) / (now_s - before_s)
            before_s, before = now_s, records
            beat = heartbeat(app, state, rate=rate, now_s=time.time())
            news = {name: beat[name] for name in _NEWS}
            try:
                await send_heartbeat(redis, settings.namespace, beat, tell=news != told)
            except RedisUnavailable as exc:
                if not away:
                    log.warning("heartbeat_lost", error=str(exc))
                away, told = True, None
            else:
                away, told = False, news
    finally:
        await redis.aclose()


def heartbeat(app: faust.App, state: WorkerState, *, rate: float, now_s: float) -> dict[str, Any]:
    """One heartbeat. `rate` is in records per second; `lag` is in messages, None where it isn't known."""
    served = state.live.current if state.live else None
    shadow = state.live.shadow if state.live else None
    partitions, lag = read_assignment(app)
    return {
        "id": state.id,
        "role": state.role,
        "model": served.model.version if served else None,
        "activation": served.activation if served else None,
        "shadow": shadow.model.version if shadow else None,
        "partitions": partitions,
        "lag": lag,
        "rate": round(rate, 1),
        "seen_at": round(now_s, 3),
        "condition": state.condition,
    }


def read_assignment(app: faust.App) -> tuple[list[str], int | None]:
    """The partitions that this worker has, as `topic-partition`, and how many of their messages are not processed."""
    try:
        consumer: Any = app.consumer
        assigned = sorted(consumer.assignment())
        positions = consumer.ledger.positions()
        behind = [_behind(consumer, positions, tp) for tp in assigned]
    except Exception:  # noqa: BLE001 - not started yet, or in the midst of a rebalance: nothing is known
        return [], None
    known = [messages for messages in behind if messages is not None]
    return [f"{tp.topic}-{tp.partition}" for tp in assigned], sum(known) if len(known) == len(behind) else None


def _behind(consumer: Any, positions: dict[Any, int], tp: Any) -> int | None:
    """Messages of one partition that are not processed; None before its first fetch."""
    end = consumer.highwater(tp)
    position = positions.get(tp) or consumer._committed_offset.get(tp) or 0
    return None if end is None else max(0, end - max(0, position))


async def send_heartbeat(redis: Redis, namespace: str, beat: dict[str, Any], *, tell: bool = False) -> None:
    """Write one heartbeat, which vanishes by itself after ten seconds; `tell`: as an event too.

    Raises:
        RedisUnavailable: it was not written.
    """
    names, now_s = _names_key(namespace), time.time()
    with redis_translated():
        async with redis.pipeline(transaction=False) as pipe:
            pipe.set(worker_key(namespace, beat["id"]), json.dumps(beat), ex=EXPIRES_S)
            if tell:
                seen_at = datetime.fromtimestamp(beat["seen_at"], UTC).isoformat()
                put_events(pipe, namespace, msgspec.convert({**beat, "seen_at": seen_at}, WorkerEvent))
            pipe.zadd(names, {beat["id"]: now_s})
            pipe.zremrangebyscore(names, "-inf", now_s - FORGOTTEN_S)
            pipe.expire(names, FORGOTTEN_S)
            await pipe.execute()


async def read_workers(redis: Redis, namespace: str) -> list[dict[str, Any]]:
    """The last heartbeat of every worker that lives, by role and id.

    Raises:
        RedisUnavailable: nothing is known.
    """
    with redis_translated():
        # By their names, not by a search for keys: there may be a great many others.
        names: list[Any] = await redis.zrange(_names_key(namespace), 0, -1)
        beats = await redis.mget([worker_key(namespace, name) for name in names]) if names else []
    workers = [worker for beat in beats if (worker := _readable(beat)) is not None]
    return sorted(workers, key=lambda worker: (worker["role"], worker["id"]))


def _readable(beat: str | bytes | None) -> dict[str, Any] | None:
    """The heartbeat; None where it has vanished meanwhile, or is none."""
    try:
        worker = json.loads(beat) if beat else None
    except (ValueError, RecursionError):
        return None
    known = isinstance(worker, dict) and isinstance(worker.get("id"), str) and isinstance(worker.get("role"), str)
    return worker if known else None
