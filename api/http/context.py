"""What one process of the API holds: its servers, and the live model."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from relearn.agents.kafka.producer import KafkaProducer
from relearn.agents.models.feed import ModelFeed
from relearn.agents.models.live import LiveModel
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.redis import Redis
from relearn.api.queries.batches import RecentBatches
from relearn.api.queries.registered_models import KnownModels
from relearn.api.queries.stats import StatsReader
from relearn.api.review.pool import ReviewPool
from relearn.api.writes.generation import CurrentGeneration
from relearn.api.writes.outbox import Outbox
from relearn.schemas.settings import Settings

if TYPE_CHECKING:
    from relearn.api.events.hub import LiveEvents
    from relearn.api.observe.health import Health

#: Each holds a connection to Postgres for as long as its reader takes.
STREAMS_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Context:
    """Everything that handlers need. Servers may be away at any time: each use says so with its own error.

    `source` is this process in CloudEvents headers; `generation` is that of `ingest`. Whoever sends a long answer holds
    `streams` meanwhile. `models` are registered ones that were asked for lately.
    """

    settings: Settings
    pool: Pool
    redis: Redis
    producer: KafkaProducer
    live: LiveModel
    feed: ModelFeed
    health: Health
    events: LiveEvents
    source: str
    review_pool: ReviewPool
    outbox: Outbox
    generation: CurrentGeneration
    models: KnownModels
    batches: RecentBatches
    stats: StatsReader
    streams: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(STREAMS_AT_ONCE))


CONTEXT: web.AppKey[Context] = web.AppKey("context", Context)
