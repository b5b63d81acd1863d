"""Who holds automatic promotion, and the shadow with what reviews say of it so far."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from relearn.agents.learning.significance import Tally
from relearn.agents.stores.postgres import Pool, read_snapshot
from relearn.agents.stores.training.policy_facts import Hold, read_hold

# The evidence is noted on the job whenever it changes; before the first look there is none.
_SHADOW = """
SELECT j.version, j.id, j.champion, a.at, j.metrics->'shadow' AS tally,
    extract(epoch FROM clock_timestamp() - a.at)::float8 AS elapsed_s
FROM jobs j
JOIN LATERAL (SELECT max(at) AS at FROM activations WHERE version = j.version AND role = 'shadow') a ON a.at IS NOT NULL
WHERE j.command = 'train' AND j.state = 'shadow' AND j.champion IS NOT NULL
"""


class OpenShadow(NamedTuple):
    """A model that answers beside the champion: since when, and the evidence so far."""

    version: int
    job: str
    champion: int
    since: datetime
    tally: Tally
    elapsed_s: float


async def hold_and_shadow(pool: Pool) -> tuple[Hold | None, OpenShadow | None]:
    """What stands in the way of automatic promotion; None for what isn't there.

    Raises:
        PostgresUnavailable: ask again.
    """
    async with read_snapshot(pool) as connection:
        hold = await read_hold(connection)
        row = await connection.fetchrow(_SHADOW)
    if row is None:
        return hold, None
    tally = Tally(0, 0, 0) if row["tally"] is None else Tally(**row["tally"])
    found = OpenShadow(row["version"], row["id"], row["champion"], row["at"], tally, max(0.0, row["elapsed_s"]))
    return hold, found
