"""Workers, by their heartbeats."""

from __future__ import annotations

import structlog

from relearn.agents.stores.live.heartbeats import missing_workers
from relearn.api.http.call import Call, Handlers
from relearn.api.queries.workers import live_workers
from relearn.schemas.errors import RedisUnavailable
from relearn.schemas.http.workers import MissingWorkers, Workers

log = structlog.get_logger()


async def list_workers(call: Call[None, None, None]) -> Workers:
    """Workers with a heartbeat in the last ten seconds."""
    try:
        found = await live_workers(call.context.redis, call.context.settings.namespace)
    except RedisUnavailable as exc:
        log.debug("workers_unknown", error=str(exc))
        return Workers([], [], None, known=False)
    seen = [{"role": one.role} for one in found]
    missing = [MissingWorkers(**one) for one in missing_workers(call.context.settings.expected, seen)]
    return Workers(found, missing, None, known=True)


HANDLERS: Handlers = {"list_workers": list_workers}
