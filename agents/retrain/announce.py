"""Announcing jobs and activations: their changes in Postgres are appended to the live events.

The code that changes a job or activates a model needs no event of its own. Each change is announced once, in order, or
twice after a crash in between. Changes made while no worker is in charge are announced later, in their state of that
time: a checkpoint in Redis records the announced state. Without a checkpoint the announcer starts with the present
state and a `reset`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from relearn.agents.retrain.context import RetrainContext
from relearn.agents.stores.live.checkpoint import EventCheckpoint, announce, announced, read_checkpoint, read_news
from relearn.agents.stores.postgres import Pool, database_id
from relearn.agents.stores.redis import open_redis
from relearn.schemas.errors import RedisUnavailable
from relearn.schemas.http.events import EventData, ResetEvent

log = structlog.get_logger()

LOOK_EVERY_S = 0.3


class Announcer:
    """The announcer of one retrain worker. It announces while this worker is in charge."""

    def __init__(self, retraining: RetrainContext) -> None:
        self._context = retraining
        self._redis = open_redis(retraining.settings)
        self._namespace = retraining.settings.namespace
        #: The state that was announced last; None: unknown, or another worker announces.
        self._told: EventCheckpoint | None = None
        self._away = False

    async def run(self) -> None:
        """Announce changes every LOOK_EVERY_S.

        Raises:
            Stopping: asked to stop while Postgres is away.
        """
        while not self._context.stop():
            if self._context.in_charge():
                await self.attempt()
            else:
                self._told = None
            await asyncio.sleep(LOOK_EVERY_S)

    async def attempt(self) -> None:
        """Announce the changes; while Redis is unavailable the next attempt finds them again."""
        try:
            await self.look()
        except RedisUnavailable as exc:
            if not self._away:
                log.warning("announcing_waits", error=str(exc))
            self._away = True
        else:
            self._away = False

    async def look(self) -> None:
        """Read the state once, and announce what has changed. May be repeated.

        Raises:
            Stopping: asked to stop while Postgres is away.
            RedisUnavailable: nothing was announced, or the acknowledgement was lost.
        """
        pool, told = await self._context.pool(), self._told
        until_available = self._context.until_available
        if told is None:
            self._told = told = await self._begin(pool)
        tracked = told.open()
        now = await until_available(lambda: read_checkpoint(pool, told.database, tracked))
        changed = now.changed(told)
        if not changed and now.activation == told.activation:
            return
        news = await until_available(lambda: read_news(pool, changed, told.activation))
        await self._announce(news, now.after(news))

    async def _begin(self, pool: Pool) -> EventCheckpoint:
        """The checkpoint of the process before, if it concerns this database; else the present state."""
        before = await announced(self._redis, self._namespace)
        database = await self._context.until_available(lambda: database_id(pool))
        if before is not None and before.database == database:
            return before
        now = await self._context.until_available(lambda: read_checkpoint(pool, database, ()))
        await self._announce([ResetEvent("a worker has started")], now)
        return now

    async def _announce(self, events: Sequence[EventData], now: EventCheckpoint) -> None:
        await announce(self._redis, self._namespace, events, now)
        self._told = now
        log.debug("announced", events=len(events), activation=now.activation)

    async def close(self) -> None:
        """Disconnect."""
        await self._redis.aclose()
