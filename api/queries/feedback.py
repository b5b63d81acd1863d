"""Feedback that isn't recorded: waiting for its prediction, or a dead letter."""

from __future__ import annotations

from typing import Any

from relearn.agents.stores.postgres import Connection

_WAITING = "SELECT value, sent_at, since FROM waiting_feedback WHERE feedback = $1"
_DEAD = """
SELECT id, reason, error, at, redriven_at FROM dead_letters WHERE feedback = $1 ORDER BY id DESC LIMIT 1
"""


async def waiting_feedback(connection: Connection, feedback: str) -> Any | None:
    """The waiting message of this id with the times when it was sent and began to wait, or None."""
    return await connection.fetchrow(_WAITING, feedback)


async def dead_feedback(connection: Connection, feedback: str) -> Any | None:
    """The newest dead letter of feedback with this id, or None."""
    return await connection.fetchrow(_DEAD, feedback)
