"""What the retrain policy decides on, read from Postgres: the same rows give the same facts to whoever asks."""

from __future__ import annotations

from typing import Any

from agents.learning.policy import Facts
from agents.learning.reviews import reviews
from agents.stores.postgres import Connection, Pool, translated
from agents.stores.statements import statements_of_model, statements_since

#: More new statements than this are not counted one by one: every threshold is far below.
NEW_MAX = 10_000

#: A training that ran, or a rollback that nobody asked for: `ended_cut` says so. Refused commands have none.
_LAST = """
SELECT extract(epoch FROM ended_at)::float8 AS ended_s, ended_cut FROM jobs
WHERE ended_cut IS NOT NULL AND (command = 'train' OR (command = 'rollback' AND reason->>'trigger' = 'evidence'))
ORDER BY ended_at DESC LIMIT 1
"""
_CHAMPION = """
SELECT a.version, a.activation, a.reason->>'trigger' = 'evidence' AS rolled_back FROM activations a
WHERE a.role = 'champion' ORDER BY a.activation DESC LIMIT 1
"""
_OPEN = "SELECT id FROM jobs WHERE command = 'train' AND state IN ('queued', 'running', 'shadow')"
_REJECTIONS = """
SELECT count(*) FROM jobs WHERE command = 'train' AND state = 'rejected'
AND ended_at > coalesce((SELECT max(ended_at) FROM jobs WHERE command = 'train' AND state = 'promoted'), '-infinity')
"""
# Whatever a person did last to the champion, or said about it. `resume` lifts all of them.
_HOLD = """
SELECT number, command, by, version, ended_at FROM jobs
WHERE state = 'promoted' AND command IN ('hold', 'resume', 'activate', 'rollback')
AND reason->>'trigger' IS DISTINCT FROM 'evidence'
ORDER BY number DESC LIMIT 1
"""


async def read_facts(pool: Pool, *, audits: bool) -> tuple[Facts, float]:
    """The facts as they stand, and Postgres' clock in epoch seconds. `audits`: also count the champion's audit rows.

    Raises:
        PostgresUnavailable: ask again.
    """
    with translated():
        async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            now_s = await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
            return await _facts(connection, audits), float(now_s)


async def hold_of(connection: Connection) -> str | None:
    """Who holds automatic promotion, how and since when, in words; None: nobody."""
    return _hold_words(await connection.fetchrow(_HOLD))


def _hold_words(row: Any) -> str | None:
    if row is None or row["command"] == "resume":
        return None
    what = {"hold": "held", "activate": f"model {row['version']} was activated", "rollback": "rolled back"}
    whom = f" by {row['by']}" if row["by"] else ""
    return f"{what[row['command']]}{whom} at {row['ended_at']:%Y-%m-%d %H:%M:%S} UTC"


async def last_ended_cut(connection: Connection) -> int:
    """The newest correction that the last training, or rollback by evidence, had known when it ended; 0 before any."""
    row = await connection.fetchrow(_LAST)
    return 0 if row is None else int(row["ended_cut"])


async def champion_activation(connection: Connection) -> int | None:
    """The activation that made the champion live."""
    row = await connection.fetchrow(_CHAMPION)
    return None if row is None else int(row["activation"])


async def _facts(connection: Connection, audits: bool) -> Facts:
    last: Any = await connection.fetchrow(_LAST)
    champion: Any = await connection.fetchrow(_CHAMPION)
    version, activation, rolled_back = (None, None, False) if champion is None else champion
    since = 0 if last is None else last["ended_cut"]
    new = await statements_since(connection, since, NEW_MAX)
    found = reviews(new)
    corrections_s = sorted(one.stored_s for one in found if one.corrects)
    audit = []
    if audits and version is not None:
        audit = [one for one in reviews(await statements_of_model(connection, version)) if one.via == "audit"]
    said = await connection.fetchrow(_HOLD)
    drifted = await connection.fetchval("SELECT drifted FROM drift WHERE activation = $1", activation)
    return Facts(
        champion=version,
        activation=activation,
        cut=max((one.id for one in new), default=since),
        open_job=await connection.fetchval(_OPEN),
        on_hold=_hold_words(said),
        resumed=said["number"] if said is not None and said["command"] == "resume" else 0,
        last_ended_s=None if last is None else last["ended_s"],
        rejections=await connection.fetchval(_REJECTIONS),
        corrections_s=tuple(corrections_s),
        corrections=len(corrections_s),
        labels=len(found),
        latest_s=max((one.stored_s for one in new), default=None),
        audit_rows=len(audit),
        audit_corrected=sum(one.corrects for one in audit),
        drifted=tuple(drifted or ()),
        rolled_back=bool(rolled_back),
    )
