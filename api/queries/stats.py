"""Statistics, read in a few round trips and cached for a second. Totals are stored rows, not counts."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import structlog

from relearn.agents.stores.postgres import Pool, read_snapshot
from relearn.agents.stores.redis import Redis
from relearn.agents.stores.training.champion import CHAMPION
from relearn.agents.stores.training.jobs import CHALLENGES, OPEN_TRAINING
from relearn.agents.stores.training.policy_facts import hold_of
from relearn.api.http.single_flight import SingleFlight
from relearn.api.queries.accuracy import ChampionAudits
from relearn.api.queries.workers import live_workers
from relearn.schemas.errors import RedisUnavailable
from relearn.schemas.http.workers import Worker

log = structlog.get_logger()

CACHED_S = 1.0

_FACTS = f"""
SELECT totals.*, letters.*, feedback.*, champion.version, champion.activation, champion.at,
    (SELECT drifted FROM drift WHERE activation = champion.activation) AS drifted,
    (SELECT count(*) FROM models) AS models, (SELECT count(*) FROM jobs) AS jobs,
    ({OPEN_TRAINING}) AS open_job,
    (SELECT id FROM jobs WHERE {CHALLENGES} AND state = 'shadow' AND champion IS NOT NULL) AS shadow_job,
    (SELECT coalesce(max(id), 0) FROM corrections WHERE model = champion.version) AS newest
FROM (SELECT coalesce(sum(records), 0)::bigint AS records, coalesce(sum(expired), 0)::bigint AS expired FROM totals)
    AS totals
CROSS JOIN (SELECT coalesce(sum(records), 0)::bigint AS dead_letters FROM dead_letter_totals) AS letters
CROSS JOIN (
    SELECT coalesce(sum(corrections), 0)::bigint AS corrections, coalesce(sum(confirmations), 0)::bigint
        AS confirmations, coalesce(sum(withdrawals), 0)::bigint AS withdrawals FROM reviewer_totals
) AS feedback
LEFT JOIN {CHAMPION} AS champion ON true
"""  # noqa: S608 - nothing but names of our own
#: Number of newest records for the latency.
_TIMED = 500
_LATENCY = f"""
SELECT count(*) AS n, percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY took_ms) AS quantiles FROM (
    SELECT 1000 * extract(epoch FROM stored_at - ingested_at)::float8 AS took_ms FROM predictions
    ORDER BY ingested_at DESC, generation DESC, kafka_partition DESC, kafka_offset DESC, record_index DESC
    LIMIT {_TIMED}
) AS newest
"""  # noqa: S608 - a number of our own


class Facts(NamedTuple):
    """Two rows from Postgres, the hold on promotion, the champion's audits, and workers (None while Redis is away)."""

    row: Mapping[str, Any]
    latency: Mapping[str, Any]
    on_hold: str | None
    audited: int
    right: int
    workers: Sequence[Worker] | None


class StatsReader:
    """The statistics of one namespace, cached for a second."""

    def __init__(self, pool: Pool, redis: Redis, namespace: str, *, cached_s: float = CACHED_S) -> None:
        self._cached_s = cached_s
        self._pool = pool
        self._redis = redis
        self._namespace = namespace
        self._reading = SingleFlight(self._read)
        self._audits = ChampionAudits()
        self._found: tuple[float, Facts] | None = None
        self._without_redis = False

    async def read(self) -> Facts:
        """The statistics, at most a second old.

        Raises:
            PostgresUnavailable: retryable.
        """
        if self._found is not None and time.monotonic() - self._found[0] <= self._cached_s:
            return self._found[1]
        return await self._reading.result()

    async def _read(self) -> Facts:
        began_s = time.monotonic()
        async with read_snapshot(self._pool, index_only=True) as connection:
            row = await connection.fetchrow(_FACTS)
            latency = await connection.fetchrow(_LATENCY)
            on_hold = await hold_of(connection)
            tally = await self._audits.read(connection, row["version"], row["newest"])
        facts = Facts(row, latency, on_hold, tally.n, tally.right, await self._workers())
        self._found = (began_s, facts)
        return facts

    async def _workers(self) -> Sequence[Worker] | None:
        try:
            workers = await live_workers(self._redis, self._namespace)
        except RedisUnavailable as exc:
            if not self._without_redis:
                log.warning("stats_without_redis", error=str(exc))
            self._without_redis = True
            return None
        self._without_redis = False
        return workers
