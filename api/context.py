"""What one process of the API holds: its servers, and the live model."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from agents.feed import ModelFeed
from agents.live_model import LiveModel
from agents.publish import Publisher
from agents.stores.postgres import Pool
from agents.stores.redis import Redis
from api.generation import CurrentGeneration
from api.outbox import Outbox
from api.queries.batches import RecentBatches
from api.queries.known_models import KnownModels
from api.queries.stats import StatsReader
from api.review_pool import ReviewPool
from schemas.settings import Settings

if TYPE_CHECKING:
    from api.health import Health
    from api.live_events import LiveEvents

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
    publisher: Publisher
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
