"""The `loads` table: what labelled examples were loaded, from which source and when, and withdrawing them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from relearn.agents.stores.postgres import Pool, postgres_errors
from relearn.schemas.errors import Refused

_LIST = """
SELECT l.id, l.source, l.at, l.by, l.rows, l.added, coalesce(c.counting, 0) AS counting, l.withdrawn_at, l.withdrawn_by
FROM loads l LEFT JOIN (
    SELECT load, count(*) AS counting FROM examples, unnest(loads) AS load WHERE NOT withdrawn GROUP BY load
) AS c ON c.load = l.id
WHERE $2::bigint IS NULL OR l.id < $2 ORDER BY l.id DESC LIMIT $1
"""
_WITHDRAW = """
UPDATE loads SET withdrawn_at = now(), withdrawn_by = $2
WHERE withdrawn_at IS NULL AND (id::text = $1 OR source = $1) RETURNING id
"""
_LEAVE_OUT = """
UPDATE examples SET withdrawn = true
WHERE NOT withdrawn AND NOT EXISTS (SELECT FROM loads l WHERE l.id = ANY (examples.loads) AND l.withdrawn_at IS NULL)
"""


@dataclass(frozen=True, slots=True)
class Load:
    """One load: rows of the source, rows that were new, and its examples that count today."""

    id: int
    source: str
    at: datetime
    by: str | None
    rows: int
    added: int
    counting: int
    withdrawn_at: datetime | None
    withdrawn_by: str | None


class Withdrawn(NamedTuple):
    """What a withdrawal did: the loads, the examples that no longer count, and those that still do."""

    loads: list[int]
    examples: int
    left: int


async def list_loads(pool: Pool, limit: int = 100, *, before: int | None = None) -> list[Load]:
    """The newest loads first; the next page begins with `before` = the last id.

    Raises:
        PostgresUnavailable: Retryable.
    """
    with postgres_errors():
        return [Load(*row) for row in await pool.fetch(_LIST, limit, before)]


async def withdraw_loads(pool: Pool, name: str, *, by: str | None = None) -> Withdrawn:
    """Withdraw the load with this id, or all loads of this source. Examples that another load has still count.

    A withdrawn example stays for the lineage of models that were trained on it. No model is trained on it again.

    Raises:
        PostgresUnavailable: Retryable; nothing was withdrawn, or all was and the answer was lost.
        Refused: there is no such load that isn't withdrawn.
    """
    with postgres_errors():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE examples IN SHARE ROW EXCLUSIVE MODE")
            found = sorted(row["id"] for row in await connection.fetch(_WITHDRAW, name, by))
            if not found:
                raise Refused(f"there is no load {name!r} that isn't withdrawn; `relearn examples list` shows them")
            left_out = int((await connection.execute(_LEAVE_OUT)).rsplit(maxsplit=1)[-1])
            left = await connection.fetchval("SELECT count(*) FROM examples WHERE NOT withdrawn")
    return Withdrawn(found, left_out, left)


def load_fields(load: Load) -> dict[str, Any]:
    """The load as JSON; times in ISO 8601."""
    return {
        "id": load.id,
        "source": load.source,
        "at": load.at.isoformat(),
        "by": load.by,
        "rows": load.rows,
        "added": load.added,
        "counting": load.counting,
        "withdrawn_at": load.withdrawn_at.isoformat() if load.withdrawn_at else None,
        "withdrawn_by": load.withdrawn_by,
    }
