"""The application: operations become routes; their context is opened at start and closed at the end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import structlog
from aiohttp import web

from relearn.agents.kafka.limits import MessageLimits
from relearn.agents.kafka.producer import KafkaProducer
from relearn.agents.kafka.topics import admin_client
from relearn.agents.models.feed import ModelFeed, model_updates
from relearn.agents.models.live import LiveModel
from relearn.agents.models.signing_keys import load_verifier
from relearn.agents.models.swapper import Swapper
from relearn.agents.stores.api_keys import list_keys
from relearn.agents.stores.postgres import open_pool
from relearn.agents.stores.redis import open_redis
from relearn.api.access.guard import GUARD, KeyGuard
from relearn.api.access.keyring import KeyRing
from relearn.api.access.rate_limit import make_rate_limit
from relearn.api.events.hub import EventHub
from relearn.api.http.budget import MemoryBudget
from relearn.api.http.context import CLOSING, CONTEXT, Context
from relearn.api.http.limits import REQUEST_TIMEOUTS
from relearn.api.http.static_files import PAGE, read_page
from relearn.api.observe.health import Health
from relearn.api.observe.metrics import METRICS, Metrics
from relearn.api.observe.probes import REQUIRED, probes
from relearn.api.queries.batches import RecentBatches
from relearn.api.queries.models import ModelCache
from relearn.api.queries.stats import StatsReader
from relearn.api.review.claims import Claims
from relearn.api.review.pool import ReviewPool
from relearn.api.routes import HANDLERS
from relearn.api.server.background import BACKGROUND, Background
from relearn.api.server.middleware import add_security_headers, handle_request, operation_handler
from relearn.api.writes.generation import CurrentGeneration
from relearn.api.writes.outbox import SEND_TIMEOUT_S, Outbox
from relearn.schemas.errors import RelearnError
from relearn.schemas.http.operation import Operation
from relearn.schemas.http.operations import OPERATIONS
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name

log = structlog.get_logger()

POOL_SIZE = 8
#: Writes fail when the broker hasn't acknowledged within this time.
ACKNOWLEDGE_TIMEOUT_S = 1.5


def make_app(settings: Settings, process: str = "1") -> web.Application:
    """The application of one process; its context exists once the application has started.

    `process` distinguishes the process from others on the same port.

    Raises:
        SettingsError: no signing key to verify models with.
    """
    app = web.Application(middlewares=[handle_request], client_max_size=settings.api_max_body_mb * 2**20)
    for operation in OPERATIONS:
        serve = operation_handler(operation, HANDLERS[operation.id])
        for method in operation.methods:
            app.router.add_route(method, _route(operation), serve)
    app.on_response_prepare.append(add_security_headers)
    app[CLOSING] = asyncio.Event()
    app.on_shutdown.append(_announce_closing)
    app[PAGE] = read_page()
    app[METRICS] = Metrics(process)
    app[BACKGROUND] = Background()
    live = LiveModel()
    feed = ModelFeed(Swapper(live, load_verifier(settings), settings.namespace))

    async def open_context(app: web.Application) -> AsyncIterator[None]:
        async with _context(settings, live, feed) as context:
            app[CONTEXT] = context
            app[METRICS].watch(context)
            ring = KeyRing(lambda: list_keys(context.pool))
            app[GUARD] = KeyGuard(settings, ring, make_rate_limit(settings, context.redis))
            _start_tasks(app[BACKGROUND], context, ring)
            try:
                yield
            finally:
                await app[BACKGROUND].stop()

    async def end_streams(app: web.Application) -> None:
        if CONTEXT in app:
            await app[CONTEXT].events.close_streams()

    app.cleanup_ctx.append(open_context)
    app.on_shutdown.append(end_streams)
    return app


async def _announce_closing(app: web.Application) -> None:
    app[CLOSING].set()


def _route(operation: Operation) -> str:
    """The path in aiohttp's form: a variable ends at a slash unless the operation is `deep`."""
    return f"{operation.path[:-1]}:.+}}" if operation.deep else operation.path


@asynccontextmanager
async def _context(settings: Settings, live: LiveModel, feed: ModelFeed) -> AsyncIterator[Context]:
    """Everything that handlers need, open while the block runs."""
    pool, redis = await open_pool(settings, size=POOL_SIZE, timeouts=REQUEST_TIMEOUTS), open_redis(settings)
    producer = KafkaProducer(settings, f"{settings.namespace}-api", give_up_s=ACKNOWLEDGE_TIMEOUT_S)
    admin = admin_client(settings)
    limits = MessageLimits(settings)
    events = EventHub(settings)
    generation = CurrentGeneration(settings, pool, topic_name(settings.namespace, "ingest"))
    source = f"/{settings.namespace}/api/{socket.gethostname()}"
    claims = Claims(redis, settings.namespace, settings.review_claim_s)
    try:
        yield Context(
            settings=settings,
            pool=pool,
            redis=redis,
            producer=producer,
            limits=limits,
            live=live,
            feed=feed,
            health=Health(probes(settings, admin, pool, redis, live), REQUIRED),
            events=events,
            source=source,
            review_pool=ReviewPool(pool, live, claims, audit=settings.audit_share),
            outbox=Outbox(producer, limits, source, generation.note),
            generation=generation,
            models=ModelCache(),
            batches=RecentBatches(redis, pool, settings.namespace),
            stats=StatsReader(pool, redis, settings.namespace),
            memory=MemoryBudget(settings.api_max_body_mb * 2**20),
        )
    finally:
        await generation.close()
        admin.close()
        limits.close()
        await producer.close()
        await events.close()
        await redis.aclose()
        pool.terminate()


def _start_tasks(background: Background, context: Context, ring: KeyRing) -> None:
    """Start the tasks that run beside the requests."""
    background.start("model feed", _follow(context.settings, context.feed))
    background.start("health", context.health.watch())
    background.start("API keys", ring.watch())
    background.start("events", context.events.read())
    background.start("event clients", context.events.send_heartbeats())
    background.start("first connections", _connect(context), endless=False)


async def _connect(context: Context) -> None:
    """Open the connections of writes: the first write has the time of any other one, and would open them in turn."""
    ingest = topic_name(context.settings.namespace, "ingest")
    reads = asyncio.gather(
        context.producer.connect(ingest),
        context.limits.of(ingest),
        context.generation.current(asyncio.get_running_loop().time() + SEND_TIMEOUT_S),
    )
    try:
        await reads
    except RelearnError as exc:
        log.debug("not_connected_yet", error=str(exc))


async def _follow(settings: Settings, feed: ModelFeed) -> None:
    """Keep the live model current."""
    async with aclosing(model_updates(settings)) as events:
        async for event in events:
            feed.take(event)
