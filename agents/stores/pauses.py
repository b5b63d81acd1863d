"""The `pauses` table: a score worker begins a pause after too many bad records, `relearn dlq resume` ends it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from relearn.agents.stores.postgres import Pool, postgres_errors

AGENT = "score"


class Pauses:
    """The open pause of the role, in Postgres, so that a restarted worker is paused too."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin(self, reason: str) -> None:
        """Pause the role; an open pause is kept as it is."""
        with postgres_errors():
            await self._pool.execute(
                "INSERT INTO pauses (agent, reason) VALUES ($1, $2) ON CONFLICT DO NOTHING", AGENT, reason
            )

    async def current(self) -> str | None:
        """The reason of the open pause; None: the role isn't paused."""
        with postgres_errors():
            reason = await self._pool.fetchval(
                "SELECT reason FROM pauses WHERE agent = $1 AND resumed_at IS NULL", AGENT
            )
        return None if reason is None else str(reason)


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause that has ended."""

    agent: str
    reason: str
    paused_at: datetime


async def end_pauses(pool: Pool) -> list[Pause]:
    """Ends every open pause; returns them."""
    with postgres_errors():
        rows = await pool.fetch(
            "UPDATE pauses SET resumed_at = now() WHERE resumed_at IS NULL RETURNING agent, reason, paused_at"
        )
    return [Pause(**row) for row in rows]
