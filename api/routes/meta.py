"""About the server itself."""

from __future__ import annotations

from datetime import UTC, datetime

from api.call import Call, Handlers
from api.door import answered
from schemas.http.meta import Alive, Check, Readiness


async def live(_: Call[None, None, None]) -> Alive:
    """It answers, so it lives."""
    return Alive("alive")


async def ready(call: Call[None, None, None]) -> object:
    """What was found when the servers were looked at last, a second ago or less."""
    health = call.context.health
    checks = [
        Check(name, one.ok, one.required, datetime.fromtimestamp(one.since_s, UTC).isoformat(), one.detail)
        for name, one in health.states.items()
    ]
    return answered(Readiness("ready" if health.ready else "not ready", checks), 200 if health.ready else 503)


HANDLERS: Handlers = {"live": live, "ready": ready}
