"""The hold on automatic promotion, and the shadow with its evidence so far."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from relearn.agents.learning.significance import Tally
from relearn.agents.stores.postgres import Pool, read_snapshot
from relearn.agents.stores.training.policy_facts import Hold, read_hold

# The evidence is stored on the job whenever it changes; before the first check there is none.
_SHADOW = """
SELECT j.version, j.id, j.champion, a.at, j.metrics->'shadow' AS tally, j.watched_s AS elapsed_s
FROM jobs j
JOIN LATERAL (SELECT max(at) AS at FROM activations WHERE version = j.version AND role = 'shadow') a ON a.at IS NOT NULL
WHERE j.command = 'train' AND j.state = 'shadow' AND j.champion IS NOT NULL
"""


class OpenShadow(NamedTuple):
    """The shadow of an open job: since when it answers beside the champion, and the evidence so far."""

    version: int
    job: str
    champion: int
    since: datetime
    tally: Tally
    elapsed_s: float


async def hold_and_shadow(pool: Pool) -> tuple[Hold | None, OpenShadow | None]:
    """The hold and the open shadow, each None if there is none.

    Raises:
        PostgresUnavailable: retryable.
    """
    async with read_snapshot(pool) as connection:
        hold = await read_hold(connection)
        row = await connection.fetchrow(_SHADOW)
    if row is None:
        return hold, None
    tally = Tally(0, 0, 0) if row["tally"] is None else Tally(**row["tally"])
    found = OpenShadow(row["version"], row["id"], row["champion"], row["at"], tally, row["elapsed_s"])
    return hold, found
