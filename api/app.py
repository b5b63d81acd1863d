"""The application: operations become routes, and what they need is opened at start and closed at the end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress

from aiohttp import web

from agents.feed import ModelFeed, model_updates
from agents.keys import load_verifier
from agents.live_model import LiveModel
from agents.publish import Publisher
from agents.stores.postgres import open_pool
from agents.stores.redis import open_redis
from agents.swap import Swapper
from api.context import CONTEXT, Context
from api.door import door, opened
from api.health import Health
from api.keys import GUARD, OpenDoor
from api.probes import REQUIRED, probes
from api.queries.batches import RecentBatches
from api.queries.known_models import KnownModels
from api.queries.stats import StatsReader
from api.routes import HANDLERS
from schemas.http.operations import OPERATIONS
from schemas.settings import Settings

POOL_SIZE = 8
#: A broker that doesn't acknowledge within that is away, and whoever writes is told so.
ACKNOWLEDGED_WITHIN_S = 1.5


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
        source = f"/{settings.namespace}/api/{socket.gethostname()}"
        app[CONTEXT] = Context(
            settings,
            pool,
            redis,
            publisher,
            live,
            feed,
            health,
            source,
            models=KnownModels(),
            batches=RecentBatches(redis, pool, settings.namespace),
            stats=StatsReader(pool, redis, settings.namespace),
        )
        app[GUARD] = OpenDoor()
        tasks = [asyncio.ensure_future(_follow(settings, feed)), asyncio.ensure_future(health.watch())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await publisher.close()
            await redis.aclose()
            pool.terminate()

    app.cleanup_ctx.append(hold)
    return app


async def _follow(settings: Settings, feed: ModelFeed) -> None:
    """Keep the live model current."""
    async with aclosing(model_updates(settings)) as events:
        async for event in events:
            feed.take(event)
