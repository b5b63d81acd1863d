"""The context of one API process: its connections to the servers, the live model, and readers with a cache."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from relearn.api.http.budget import MemoryBudget, Seats

# Types only: the context names what handlers may use, and everything above `http` imports the context.
if TYPE_CHECKING:
    from relearn.agents.kafka.limits import MessageLimits
    from relearn.agents.kafka.producer import KafkaProducer
    from relearn.agents.models.feed import ModelFeed
    from relearn.agents.models.live import LiveModel
    from relearn.agents.stores.postgres import Pool
    from relearn.agents.stores.redis import Redis
    from relearn.api.events.hub import EventHub
    from relearn.api.observe.health import Health
    from relearn.api.queries.batches import RecentBatches
    from relearn.api.queries.models import ModelCache
    from relearn.api.queries.stats import StatsReader
    from relearn.api.review.pool import ReviewPool
    from relearn.api.writes.generation import CurrentGeneration
    from relearn.api.writes.outbox import Outbox
    from relearn.schemas.settings import Settings

#: Maximum concurrent file downloads, in all and of one client; each holds a Postgres connection until it is read.
FILES_AT_ONCE = 4
FILES_PER_CLIENT = 2


@dataclass(frozen=True, slots=True)
class Context:
    """Everything that handlers need. A server may be away at any time: its client then raises an error of its own.

    `source`: this process in CloudEvents headers. `generation`: that of the topic `ingest`. `memory`: of the requests
    in work. `files`: seats of file downloads. `models`: registered models that were used lately.
    """

    settings: Settings
    pool: Pool
    redis: Redis
    producer: KafkaProducer
    limits: MessageLimits
    live: LiveModel
    feed: ModelFeed
    health: Health
    events: EventHub
    source: str
    review_pool: ReviewPool
    outbox: Outbox
    generation: CurrentGeneration
    models: ModelCache
    batches: RecentBatches
    stats: StatsReader
    memory: MemoryBudget
    files: Seats = field(default_factory=lambda: Seats(FILES_AT_ONCE, FILES_PER_CLIENT, "files"))


CONTEXT: web.AppKey[Context] = web.AppKey("context", Context)
#: Set once the server has stopped accepting. Requests in flight have ten seconds; endless ones wait for this event.
CLOSING: web.AppKey[asyncio.Event] = web.AppKey("closing", asyncio.Event)
