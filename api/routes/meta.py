"""About the server itself."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from relearn.api.http.call import Call, Handlers
from relearn.api.http.closing import CLOSING
from relearn.api.http.responses import json_response
from relearn.api.observe.metrics import MEASURES
from relearn.schemas.http.meta import Liveness, Readiness, ReadinessCheck


async def live(_: Call[None, None, None]) -> Liveness:
    """It answers, so it lives."""
    return Liveness("alive")


async def ready(call: Call[None, None, None]) -> object:
    """What was found when the servers were looked at last, a second ago or less. Unready once it is closing."""
    health, closing = call.context.health, call.request.app[CLOSING].is_set()
    checks = [
        ReadinessCheck(name, one.ok, one.required, datetime.fromtimestamp(one.since_s, UTC).isoformat(), one.detail)
        for name, one in health.states.items()
    ]
    well = health.ready and not closing
    return json_response(Readiness("ready" if well else "not ready", checks), 200 if well else 503)


async def metrics(call: Call[None, None, None]) -> web.Response:
    """Counted since this process started."""
    text = call.request.app[MEASURES].text()
    response = web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
    response.enable_compression()
    return response


HANDLERS: Handlers = {"get_liveness": live, "get_readiness": ready, "get_metrics": metrics}
