"""Live workers, by their heartbeats in Redis."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import structlog
from msgspec import Meta, Struct

from relearn.agents.stores.live.heartbeats import read_workers
from relearn.agents.stores.redis import Redis
from relearn.schemas.http.workers import Worker, WorkerNotice

log = structlog.get_logger()


class _Notice(Struct, frozen=True):
    code: str
    detail: str
    since: Annotated[float, Meta(ge=0, le=1e11)]


class _Beat(Struct, frozen=True):
    id: str
    role: str
    condition: str
    model: int | None
    activation: int | None
    shadow: int | None
    partitions: list[str]
    lag: Annotated[int, Meta(ge=0)] | None
    rate: float
    seen_at: Annotated[float, Meta(ge=0, le=1e11)]
    skipped: Annotated[int, Meta(ge=0)] = 0
    unseen: Annotated[int, Meta(ge=0)] = 0
    ignored: Annotated[int, Meta(ge=0)] = 0
    schema: Annotated[int, Meta(ge=0)] | None = None
    notices: list[_Notice] = []


async def live_workers(redis: Redis, namespace: str) -> list[Worker]:
    """Workers with a readable heartbeat in the last ten seconds, by role and id.

    Raises:
        RedisUnavailable: retryable.
    """
    found = [_worker(beat) for beat in await read_workers(redis, namespace)]
    return [one for one in found if one is not None]


def _worker(beat: dict[str, Any]) -> Worker | None:
    """None: not a heartbeat of this version."""
    try:
        found = msgspec.convert(beat, _Beat)
    except msgspec.ValidationError as exc:
        log.debug("heartbeat_unreadable", worker=str(beat["id"])[:256], error=str(exc))
        return None
    notices = [WorkerNotice(one.code, one.detail, _text_of(one.since)) for one in found.notices]
    return Worker(**{**msgspec.structs.asdict(found), "seen_at": _text_of(found.seen_at), "notices": notices})


def _text_of(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat()
