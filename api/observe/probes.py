"""The checks of `/readyz`: Kafka, Postgres, its migrations, Redis, and whether a model is live."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable

from relearn.agents.kafka.admin import Admin
from relearn.agents.kafka.topic_fit import check_topics
from relearn.agents.kafka.topics import check_led
from relearn.agents.models.live import LiveModel
from relearn.agents.stores.database_fit import check_database
from relearn.agents.stores.postgres import Pool, newest_migration, ping
from relearn.agents.stores.redis import Redis, check_takes_writes
from relearn.api.observe.health import Probe
from relearn.schemas.errors import SetupError
from relearn.schemas.migrations import migrations
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name

#: How long topics and tables that were found to fit are not compared again.
FITS_FOR_S = 60.0
#: Redis is not among them: every operation works without it.
REQUIRED = frozenset(("kafka", "postgres", "migrations", "model"))


class _Seldom:
    """A check that runs again only after FITS_FOR_S, once it has passed."""

    def __init__(self, check: Callable[[], Awaitable[object]]) -> None:
        self._check = check
        self._passed_s = -math.inf

    async def check(self) -> None:
        """Run the check if it is due; raises whatever the check raises."""
        now_s = time.monotonic()
        if now_s - self._passed_s > FITS_FOR_S:
            await self._check()
            self._passed_s = now_s


def probes(settings: Settings, admin: Admin, pool: Pool, redis: Redis, live: LiveModel) -> dict[str, Probe]:
    """One probe per check, by the check's name."""
    ingest = topic_name(settings.namespace, "ingest")
    newest = max(migration.number for migration in migrations())
    topics_fit = _Seldom(lambda: check_topics(admin, settings, "api"))
    tables_fit = _Seldom(lambda: check_database(pool))

    async def kafka() -> None:
        await check_led(admin, ingest)
        await topics_fit.check()

    async def postgres() -> None:
        await ping(pool)

    async def tables() -> None:
        found = await newest_migration(pool)
        if found != newest:
            raise SetupError(f"the tables are at migration {found}, this program at {newest}; run `relearn migrate`")
        await tables_fit.check()

    async def valkey() -> None:
        await check_takes_writes(redis, settings.namespace)

    async def model() -> None:
        if live.current is None:
            raise SetupError("no model is live yet; `relearn model train --data FILE|DATASET` makes the first")

    return {"kafka": kafka, "postgres": postgres, "migrations": tables, "redis": valkey, "model": model}
