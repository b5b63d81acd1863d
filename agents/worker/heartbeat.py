"""Each worker's heartbeat, once a second, in Redis: its name, the model it serves, its lag.

A changed heartbeat is also appended to the live events.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import faust
import structlog

from relearn.agents.availability.rate import Rate
from relearn.agents.stores.live.heartbeats import send_heartbeat
from relearn.agents.stores.redis import open_redis
from relearn.agents.worker.state import WorkerState, own_process
from relearn.schemas.errors import RedisUnavailable
from relearn.schemas.settings import Settings

log = structlog.get_logger()

EVERY_S = 1.0
#: A rate is measured over five heartbeats: over one, a steady stream of chunks rises and falls.
RATE_OVER_S = 5.5 * EVERY_S
#: What is news: the rest of a heartbeat changes all the time.
_NEWS = ("model", "activation", "shadow", "schema", "partitions", "condition", "notices")


def attach_heartbeat(app: faust.App, settings: Settings, state: WorkerState) -> None:
    """Add the task that writes this worker's heartbeat while the app runs."""

    async def beat() -> None:
        await _beat(app, settings, state)

    app.task(beat)


async def _beat(app: faust.App, settings: Settings, state: WorkerState) -> None:
    redis, recent = open_redis(settings), Rate(RATE_OVER_S)
    recent.update(time.monotonic(), state.records)
    away, told, own = False, None, own_process()
    try:
        while not app.should_stop:
            await asyncio.sleep(EVERY_S)
            rate = recent.update(time.monotonic(), state.records)
            beat = {**heartbeat(app, state, rate=rate, now_s=time.time()), "process": own}
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


def heartbeat(app: faust.App | None, state: WorkerState, *, rate: float, now_s: float) -> dict[str, Any]:
    """One heartbeat. `rate` is in records per second; `lag` is in messages, None where it isn't known.

    Without an `app` the worker has not joined its group.
    """
    served = state.live.current if state.live else None
    shadow = state.live.shadow if state.live else None
    partitions, lag = read_assignment(app) if app is not None else ([], None)
    return {
        "id": state.id,
        "role": state.role,
        "model": served.model.version if served else None,
        "activation": served.activation if served else None,
        "shadow": shadow.model.version if shadow else None,
        "schema": state.live.schema if state.live else None,
        "partitions": partitions,
        "lag": lag,
        "rate": round(rate, 1),
        "skipped": state.skipped,
        "unseen": state.unseen,
        "ignored": state.ignored,
        "seen_at": round(now_s, 3),
        "condition": state.condition,
        "notices": state.notices.listed(),
    }


def read_assignment(app: faust.App) -> tuple[list[str], int | None]:
    """The partitions that this worker has, as `topic-partition`, and how many of their messages are not processed."""
    try:
        consumer: Any = app.consumer
        assigned = sorted(consumer.assignment())
        positions = consumer.ledger.positions()
        behind = [_behind(consumer, positions, tp) for tp in assigned]
    except Exception:  # noqa: BLE001 - not started yet, or during a rebalance: nothing is known
        return [], None
    known = [messages for messages in behind if messages is not None]
    return [f"{tp.topic}-{tp.partition}" for tp in assigned], sum(known) if len(known) == len(behind) else None


def _behind(consumer: Any, positions: dict[Any, int], tp: Any) -> int | None:
    """Messages of one partition that are not processed; None before its first fetch."""
    end = consumer.highwater(tp)
    position = positions.get(tp) or consumer._committed_offset.get(tp) or 0
    return None if end is None else max(0, end - max(0, position))
