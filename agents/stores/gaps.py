"""The `gaps` table: offsets of a topic that a role never read, or read again, because Kafka no longer had them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relearn.agents.stores.postgres import Connection, Pool, postgres_errors

# One row per role, topic id, partition and cause: a log that is cut off again and again adds to its row.
_ADD = """
INSERT INTO gaps AS g (role, topic, topic_id, kafka_partition, why, position, lost)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (role, topic, topic_id, kafka_partition, why) DO UPDATE
SET position = excluded.position, last_at = now(),
    lost = CASE WHEN g.position = excluded.position THEN greatest(g.lost, excluded.lost)
        ELSE coalesce(g.lost + excluded.lost, g.lost, excluded.lost) END,
    times = g.times + (g.position <> excluded.position)::int
WHERE g.position <> excluded.position OR excluded.lost > g.lost
"""
_RECENT = """
SELECT role, topic, why, sum(lost)::bigint AS lost, bool_or(lost IS NULL) AS more, sum(times)::bigint AS times,
    max(last_at) AS last_at
FROM gaps AS g
WHERE last_at > now() - interval '7 days' AND (kafka_partition >= 0 OR NOT EXISTS (
    SELECT FROM gaps AS known
    WHERE known.topic = g.topic AND known.topic_id = g.topic_id AND known.why = g.why AND known.kafka_partition >= 0
))
GROUP BY role, topic, why ORDER BY max(last_at) DESC
"""


@dataclass(frozen=True, slots=True)
class Gap:
    """Offsets from `position` on that were not read. `lost`: how many, None if unknown.

    `why`: `deleted` (records), `recreated` (the topic with the id `topic_id` is gone) or `truncated` (the log).
    """

    role: str
    topic: str
    topic_id: str
    partition: int
    why: str
    position: int
    lost: int | None


async def add_gaps(pool: Pool, gaps: list[Gap]) -> None:
    """Write gaps, all or none. A gap that was written last of its kind is not counted twice; it may have grown.

    Raises:
        PostgresUnavailable: retryable.
    """
    rows = [(g.role, g.topic, g.topic_id, g.partition, g.why, g.position, g.lost) for g in gaps]
    with postgres_errors():
        await pool.executemany(_ADD, rows)


async def recent_gaps(connection: Connection) -> list[Mapping[str, Any]]:
    """The gaps of the last seven days by role, topic and cause. `more`: the number of some lost offsets is unknown.

    The role is `all` where a topic was created again while no worker read the former one.
    """
    return list(await connection.fetch(_RECENT))
