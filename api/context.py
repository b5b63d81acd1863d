"""What one process of the API holds: its servers, and the live model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from agents.feed import ModelFeed
from agents.live_model import LiveModel
from agents.publish import Publisher
from agents.stores.postgres import Pool
from agents.stores.redis import Redis
from api.queries.batches import RecentBatches
from api.queries.known_models import KnownModels
from api.queries.stats import StatsReader
from schemas.settings import Settings

if TYPE_CHECKING:
    from api.health import Health


@dataclass(frozen=True, slots=True)
class Context:
    """Everything that handlers need. Servers may be away at any time: each use says so with its own error.

    `source` is this process in CloudEvents headers. From `models` on: what handlers read through, each with what it
    keeps in this process.
    """

    settings: Settings
    pool: Pool
    redis: Redis
    publisher: Publisher
    live: LiveModel
    feed: ModelFeed
    health: Health
    source: str
    models: KnownModels
    batches: RecentBatches
    stats: StatsReader


CONTEXT: web.AppKey[Context] = web.AppKey("context", Context)
