"""The application: operations become routes, and what they need is opened at start and closed at the end."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from aiohttp import web

from relearn.agents.kafka.producer import KafkaProducer
from relearn.agents.models.apply import Swapper
from relearn.agents.models.feed import ModelFeed, model_updates
from relearn.agents.models.live import LiveModel
from relearn.agents.models.signing_keys import load_verifier
from relearn.agents.stores.api_keys import list_keys
from relearn.agents.stores.postgres import open_pool
from relearn.agents.stores.redis import open_redis
from relearn.api.access.guard import GUARD, KeyGuard
from relearn.api.access.keyring import KeyRing
from relearn.api.access.rate_limit import make_rates
from relearn.api.events.hub import LiveEvents
from relearn.api.http.closing import watch_closing
from relearn.api.http.context import CONTEXT, Context
from relearn.api.http.limits import OF_A_REQUEST
from relearn.api.http.static_files import PAGE, read_page
from relearn.api.observe.health import Health
from relearn.api.observe.metrics import MEASURES, Measures
from relearn.api.observe.probes import REQUIRED, probes
from relearn.api.queries.batches import RecentBatches
from relearn.api.queries.registered_models import KnownModels
from relearn.api.queries.stats import StatsReader
from relearn.api.review.claims import Claims
from relearn.api.review.pool import ReviewPool
from relearn.api.routes import HANDLERS
from relearn.api.server.background import BACKGROUND, Background
from relearn.api.server.middleware import door, dress, opened
from relearn.api.writes.generation import CurrentGeneration
from relearn.api.writes.outbox import Outbox
from relearn.schemas.http.operation import Operation
from relearn.schemas.http.operations import OPERATIONS
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name

POOL_SIZE = 8
#: A broker that doesn't acknowledge within that is away, and whoever writes is told so.
ACKNOWLEDGED_WITHIN_S = 1.5


def make_app(settings: Settings, process: str = "1") -> web.Application:
    """The application of one process; its context is there once it has started.

    `process` tells it from others on the same port.

    Raises:
        SettingsError: there is no key to verify models with.
    """
    app = web.Application(middlewares=[door], client_max_size=settings.api_max_body_mb * 2**20)
    for operation in OPERATIONS:
        serve = opened(operation, HANDLERS[operation.id])
        for method in operation.methods:
            app.router.add_route(method, _route(operation), serve)
    app.on_response_prepare.append(dress)
    watch_closing(app)
    app[PAGE] = read_page()
    app[MEASURES] = Measures(process)
    app[BACKGROUND] = Background()
    live = LiveModel()
    feed = ModelFeed(Swapper(live, load_verifier(settings), settings.namespace))

    async def hold(app: web.Application) -> AsyncIterator[None]:
        async with _held(settings, live, feed) as context:
            app[CONTEXT] = context
            app[MEASURES].observe(context)
            ring = KeyRing(lambda: list_keys(context.pool))
            app[GUARD] = KeyGuard(settings, ring, make_rates(settings, context.redis))
            _begin(app[BACKGROUND], context, ring)
            try:
                yield
            finally:
                await app[BACKGROUND].stop()

    async def end_streams(app: web.Application) -> None:
        if CONTEXT in app:
            await app[CONTEXT].events.close_streams()

    app.cleanup_ctx.append(hold)
    app.on_shutdown.append(end_streams)
    return app


def _route(operation: Operation) -> str:
    """Its path as aiohttp wants it: a variable ends at a slash, unless it may hold some."""
    return f"{operation.path[:-1]}:.+}}" if operation.deep else operation.path


@asynccontextmanager
async def _held(settings: Settings, live: LiveModel, feed: ModelFeed) -> AsyncIterator[Context]:
    """All that handlers need, opened, while the block runs."""
    pool, redis = await open_pool(settings, size=POOL_SIZE, patience=OF_A_REQUEST), open_redis(settings)
    producer = KafkaProducer(settings, f"{settings.namespace}-api", give_up_s=ACKNOWLEDGED_WITHIN_S)
    events = LiveEvents(settings)
    generation = CurrentGeneration(settings, pool, topic_name(settings.namespace, "ingest"))
    source = f"/{settings.namespace}/api/{socket.gethostname()}"
    claims = Claims(redis, settings.namespace, settings.review_claim_s)
    try:
        yield Context(
            settings=settings,
            pool=pool,
            redis=redis,
            producer=producer,
            live=live,
            feed=feed,
            health=Health(probes(settings, pool, redis, live), REQUIRED),
            events=events,
            source=source,
            review_pool=ReviewPool(pool, live, claims, audit=settings.audit_share),
            outbox=Outbox(producer, source, generation.note),
            generation=generation,
            models=KnownModels(),
            batches=RecentBatches(redis, pool, settings.namespace),
            stats=StatsReader(pool, redis, settings.namespace),
        )
    finally:
        await generation.close()
        await producer.close()
        await events.close()
        await redis.aclose()
        pool.terminate()


def _begin(background: Background, context: Context, ring: KeyRing) -> None:
    """Start what runs beside the requests."""
    ingest = topic_name(context.settings.namespace, "ingest")
    background.start("model feed", _follow(context.settings, context.feed))
    background.start("health", context.health.watch())
    background.start("keys", ring.watch())
    background.start("events", context.events.read())
    background.start("event readers", context.events.tend())
    background.start("first connection", context.producer.connect(ingest), endless=False)


async def _follow(settings: Settings, feed: ModelFeed) -> None:
    """Keep the live model current."""
    async with aclosing(model_updates(settings)) as events:
        async for event in events:
            feed.take(event)
