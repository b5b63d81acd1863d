"""Liveness, readiness and metrics of this process, and what a caller may do."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from relearn.agents.stores.postgres import database_id
from relearn.api.http.call import Call, Handlers
from relearn.api.http.context import CLOSING
from relearn.api.http.responses import json_response
from relearn.api.observe.metrics import METRICS
from relearn.schemas.http.meta import Caller, Liveness, Readiness, ReadinessCheck


async def get_liveness(_: Call[None, None, None]) -> Liveness:
    """Always alive."""
    return Liveness("alive")


async def get_readiness(call: Call[None, None, None]) -> object:
    """The newest health checks, at most a second old. Not ready while shutting down."""
    health, closing = call.context.health, call.request.app[CLOSING].is_set()
    checks = [
        ReadinessCheck(name, one.ok, one.required, datetime.fromtimestamp(one.since_s, UTC).isoformat(), one.detail)
        for name, one in health.states.items()
    ]
    is_ready = health.ready and not closing
    return json_response(Readiness("ready" if is_ready else "not ready", checks), 200 if is_ready else 503)


async def get_caller(call: Call[None, None, None]) -> Caller:
    """By its API key."""
    return Caller(call.caller.role, call.caller.name, await database_id(call.context.pool))


async def get_metrics(call: Call[None, None, None]) -> web.Response:
    """Metrics since this process started."""
    text = await call.request.app[METRICS].text()
    response = web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
    response.enable_compression()
    return response


HANDLERS: Handlers = {
    "get_liveness": get_liveness,
    "get_readiness": get_readiness,
    "get_caller": get_caller,
    "get_metrics": get_metrics,
}
