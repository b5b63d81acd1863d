"""The `trusted_senders` table: senders of feedback whose new labels no training limits, and the list of reviewers.

A sender is what `learning.sender_limit` groups by, a statement's scope: an API key, or a reviewer's name in feedback
that no key sent. Trust in a name is no trust in a key of that name, nor the reverse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from relearn.agents.stores.postgres import Connection, Pool, postgres_errors, read_snapshot
from relearn.schemas.errors import Refused
from relearn.schemas.messages.feedback import scope_of
from relearn.schemas.text import text_fault

_KEY = "SELECT id, name FROM api_keys WHERE revoked_at IS NULL AND (name = $1 OR id = $1)"
_KEYS_EXIST = "SELECT EXISTS (SELECT FROM api_keys)"
_TRUST = """
INSERT INTO trusted_senders (scope, reviewer, by) VALUES ($1, $2, $3)
ON CONFLICT (scope) WHERE ended_at IS NULL DO UPDATE SET scope = excluded.scope
RETURNING scope, reviewer, at, by, xmax = 0 AS new
"""
_OPEN = "SELECT scope, reviewer, at, by FROM trusted_senders WHERE ended_at IS NULL"
_DISTRUST = """
UPDATE trusted_senders SET ended_at = now(), ended_by = $2
WHERE ended_at IS NULL AND (reviewer = $1 OR scope = 'key:' || $1) RETURNING scope, reviewer, at, by
"""
_KNOWN = """
SELECT EXISTS (SELECT FROM reviewer_totals WHERE reviewer = $1)
    OR EXISTS (SELECT FROM api_keys WHERE name = $1 OR id = $1)
    OR EXISTS (SELECT FROM trusted_senders WHERE reviewer = $1)
"""
# Trusted reviewers first, whether they have sent anything or not.
_REVIEWERS = """
SELECT coalesce(t.reviewer, s.reviewer) AS reviewer, coalesce(t.corrections, 0) AS corrections,
    coalesce(t.confirmations, 0) AS confirmations, coalesce(t.withdrawals, 0) AS withdrawals, t.last_at
FROM reviewer_totals t
FULL JOIN (SELECT DISTINCT reviewer FROM trusted_senders WHERE ended_at IS NULL) AS s USING (reviewer)
ORDER BY s.reviewer IS NULL, t.last_at DESC NULLS LAST, reviewer LIMIT $1
"""


class TrustedSender(NamedTuple):
    """A sender that is trusted. `reviewer`: the name of its API key, or its own; `by`: the user who ran the command."""

    scope: str
    reviewer: str
    at: datetime
    by: str | None

    @property
    def key_id(self) -> str | None:
        """The id of the API key that the sender is; None: it sends without one."""
        return self.scope.removeprefix("key:") if self.scope.startswith("key:") else None


@dataclass(frozen=True, slots=True)
class ReviewerRow:
    """A name, its statements, and the senders of that name that are trusted. None: feedback without a name."""

    reviewer: str | None
    corrections: int
    confirmations: int
    withdrawals: int
    last_at: datetime | None
    trusted: Sequence[TrustedSender]


async def trust_sender(
    pool: Pool, name: str, *, without_key: bool = False, by: str | None = None
) -> tuple[TrustedSender, bool]:
    """Trust the valid API key with this name or id, or while there are no keys, the name. Repeating changes nothing.

    Returns the sender, and whether it is newly trusted. `without_key`: the name in feedback that no key sent, though
    there are keys: that of programs that write to the topic `feedback` themselves.

    Raises:
        PostgresUnavailable: Retryable.
        Refused: there are keys and none has this name or id, or the name can't be one.
    """
    fault = "is empty: feedback without a reviewer's name can't be trusted" if name == "" else text_fault(name)
    if fault:
        raise Refused(f"the reviewer's name {fault}")
    with postgres_errors():
        async with pool.acquire() as connection, connection.transaction():
            scope, reviewer = await _sender(connection, name, without_key)
            *row, new = await connection.fetchrow(_TRUST, scope, reviewer, by)
    return TrustedSender(*row), new


async def distrust_senders(pool: Pool, name: str, *, by: str | None = None) -> list[TrustedSender]:
    """End the trust in all senders of this name, with a key and without, and in the key of this id.

    Empty: none of them was trusted.

    Raises:
        PostgresUnavailable: Retryable.
        Refused: no such reviewer or key was ever seen.
    """
    with postgres_errors():
        async with pool.acquire() as connection, connection.transaction():
            ended = [TrustedSender(*row) for row in await connection.fetch(_DISTRUST, name, by)]
            if not ended and (name == "" or not await connection.fetchval(_KNOWN, name)):
                raise Refused(f"there is no reviewer {name!r}; `relearn reviewer list` shows them")
    return ended


async def trusted_scopes(connection: Connection) -> frozenset[str]:
    """The scopes of all senders that are trusted now."""
    return frozenset(row["scope"] for row in await connection.fetch(_OPEN))


async def list_reviewers(pool: Pool, limit: int = 100) -> list[ReviewerRow]:
    """Reviewers by name: those with a trusted sender first, then the latest active ones.

    Raises:
        PostgresUnavailable: Retryable.
    """
    async with read_snapshot(pool) as connection:
        rows = await connection.fetch(_REVIEWERS, limit)
        trusted = [TrustedSender(*row) for row in await connection.fetch(f"{_OPEN} ORDER BY id")]
    return [
        ReviewerRow(name or None, wrong, right, taken_back, last_at, [one for one in trusted if one.reviewer == name])
        for name, wrong, right, taken_back, last_at in rows
    ]


def reviewer_fields(row: ReviewerRow) -> dict[str, Any]:
    """A reviewer as JSON; times in ISO 8601."""
    return {
        "reviewer": row.reviewer,
        "corrections": row.corrections,
        "confirmations": row.confirmations,
        "withdrawals": row.withdrawals,
        "last_at": row.last_at.isoformat() if row.last_at else None,
        "trusted": [trusted_fields(one) for one in row.trusted],
    }


def trusted_fields(one: TrustedSender) -> dict[str, Any]:
    """A trusted sender as JSON."""
    return {"reviewer": one.reviewer, "key": one.key_id, "at": one.at.isoformat(), "by": one.by}


async def _sender(connection: Connection, name: str, without_key: bool) -> tuple[str, str]:
    """The scope and the name of the sender that `name` denotes."""
    if not without_key:
        key = await connection.fetchrow(_KEY, name)
        if key is not None:
            return scope_of(key["id"], key["name"]), key["name"]
        if await connection.fetchval(_KEYS_EXIST):
            raise Refused(
                f"no live API key is named {name!r} (`relearn key list` shows them); --without-key trusts the name in"
                " feedback that no key sent"
            )
    return scope_of(None, name), name
