"""The application: operations become routes, and what they need is opened at start and closed at the end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from typing import Any

from aiohttp import web

from agents.feed import ModelFeed, model_updates
from agents.keys import load_verifier
from agents.live_model import LiveModel
from agents.publish import Publisher
from agents.stores.postgres import open_pool
from agents.stores.redis import open_redis
from agents.swap import Swapper
from api.claims import Claims
from api.context import CONTEXT, Context
from api.door import door, opened
from api.generation import CurrentGeneration
from api.health import Health
from api.keys import GUARD, OpenDoor
from api.live_events import LiveEvents
from api.outbox import Outbox
from api.probes import REQUIRED, probes
from api.review_pool import ReviewPool
from api.routes import HANDLERS
from schemas.http.operations import OPERATIONS
from schemas.settings import Settings
from schemas.topics import topic_name

POOL_SIZE = 8
#: A broker that doesn't acknowledge within that is away, and whoever writes is told so.
ACKNOWLEDGED_WITHIN_S = 1.5
_CANCEL_AGAIN_S = 0.2


def make_app(settings: Settings) -> web.Application:
    """The application of one process; its context is there once it has started.

    Raises:
        SettingsError: there is no key to verify models with.
    """
    app = web.Application(middlewares=[door], client_max_size=settings.api_max_body_mb * 2**20)
    for operation in OPERATIONS:
        app.router.add_route(operation.method, operation.path, opened(operation, HANDLERS[operation.id]))
    live = LiveModel()
    feed = ModelFeed(Swapper(live, load_verifier(settings), settings.namespace))

    async def hold(app: web.Application) -> AsyncIterator[None]:
        pool, redis = await open_pool(settings, size=POOL_SIZE), open_redis(settings)
        publisher = Publisher(settings, f"{settings.namespace}-api", give_up_s=ACKNOWLEDGED_WITHIN_S)
        health = Health(probes(settings, pool, redis, live), REQUIRED)
        events = LiveEvents(settings)
        source = f"/{settings.namespace}/api/{socket.gethostname()}"
        claims = Claims(redis, settings.namespace, settings.review_claim_s)
        review_pool = ReviewPool(pool, live, claims, audit=settings.audit_share)
        ingest = topic_name(settings.namespace, "ingest")
        generation = CurrentGeneration(settings, pool, ingest)
        outbox = Outbox(publisher, source, generation.note)
        app[CONTEXT] = Context(
            settings, pool, redis, publisher, live, feed, health, events, source, review_pool, outbox, generation
        )
        app[GUARD] = OpenDoor()
        endless = _follow(settings, feed), health.watch(), events.read(), events.tend(), publisher.connect(ingest)
        tasks = [asyncio.ensure_future(one) for one in endless]
        try:
            yield
        finally:
            await asyncio.gather(*map(_end, tasks))
            await generation.close()
            await publisher.close()
            await events.close()
            await redis.aclose()
            pool.terminate()

    async def end_streams(app: web.Application) -> None:
        if CONTEXT in app:
            await app[CONTEXT].events.close_streams()

    app.cleanup_ctx.append(hold)
    app.on_shutdown.append(end_streams)
    return app


async def _end(task: asyncio.Task[Any]) -> None:
    """Cancel a task until it has ended: below Python 3.12 `wait_for`, which redis-py uses, may lose a cancellation."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_CANCEL_AGAIN_S)
    with suppress(asyncio.CancelledError):
        task.result()


async def _follow(settings: Settings, feed: ModelFeed) -> None:
    """Keep the live model current."""
    async with aclosing(model_updates(settings)) as events:
        async for event in events:
            feed.take(event)
