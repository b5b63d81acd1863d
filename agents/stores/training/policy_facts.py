"""The facts that the retrain policy decides on, read from Postgres. The same rows always give the same facts."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NamedTuple

from relearn.agents.learning.policy import Facts, Limits, statements_counted
from relearn.agents.stores.feedback.review_counts import NONE, Audits, count_audits, count_new
from relearn.agents.stores.postgres import Connection, Pool, read_snapshot
from relearn.agents.stores.training.champion import read_champion
from relearn.agents.stores.training.jobs import OPEN_TRAINING

#: Trainings that ran, and rollbacks by evidence. Both set `cut`; refused commands don't.
_RAN = "cut IS NOT NULL AND (command = 'train' OR (command = 'rollback' AND reason->>'trigger' = 'evidence'))"
_LAST = f"SELECT extract(epoch FROM trained_at)::float8 FROM jobs WHERE {_RAN} ORDER BY number DESC LIMIT 1"  # noqa: S608 - names of our own
_KNOWN = f"SELECT coalesce(max(cut), 0) FROM jobs WHERE {_RAN}"  # noqa: S608 - the same
_REJECTIONS = """
SELECT count(*) FROM jobs WHERE command = 'train' AND state = 'rejected'
AND ended > coalesce((SELECT max(ended) FROM jobs WHERE command = 'train' AND state = 'promoted'), 0)
"""
# The last command of a user that holds promotion. `resume` ends all holds.
_HOLD = """
SELECT number, command, by, version, ended_at FROM jobs
WHERE state = 'promoted' AND command IN ('hold', 'resume', 'activate', 'rollback')
AND reason->>'trigger' IS DISTINCT FROM 'evidence'
ORDER BY number DESC LIMIT 1
"""


async def read_facts(pool: Pool, limits: Limits) -> tuple[Facts, float]:
    """The current facts, and Postgres' clock in epoch seconds.

    Raises:
        PostgresUnavailable: Retryable.
    """
    async with read_snapshot(pool) as connection:
        return await facts_of(connection, limits)


class Hold(NamedTuple):
    """A hold of automatic promotion: the command, the user, the model, and since when."""

    command: Literal["hold", "activate", "rollback"]
    by: str | None
    version: int | None
    at: datetime

    @property
    def words(self) -> str:
        """The hold as text for users."""
        what = {
            "hold": "held",
            "activate": f"model {self.version} was activated",
            "rollback": f"rolled back to model {self.version}",
        }
        whom = f" by {self.by}" if self.by else ""
        return f"{what[self.command]}{whom} at {self.at:%Y-%m-%d %H:%M:%S} UTC"


async def read_hold(connection: Connection) -> Hold | None:
    """The hold of automatic promotion; None: there is none."""
    return _hold(await connection.fetchrow(_HOLD))


async def hold_of(connection: Connection) -> str | None:
    """The hold of automatic promotion as text for users; None: there is none."""
    return _words(await read_hold(connection))


def _hold(row: Any) -> Hold | None:
    if row is None or row["command"] == "resume":
        return None
    return Hold(row["command"], row["by"], row["version"], row["ended_at"])


def _words(hold: Hold | None) -> str | None:
    return None if hold is None else hold.words


async def known_cut(connection: Connection) -> int:
    """The newest correction that a training knew, or that there was at a rollback by evidence; 0 before the first."""
    return int(await connection.fetchval(_KNOWN))


async def facts_of(connection: Connection, limits: Limits, *, audits: bool = False) -> tuple[Facts, float]:
    """As `read_facts`, in the caller's snapshot. `audits`: with the champion's audits, even if no limit needs them."""
    now_s = await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
    return await _facts(connection, limits, audits or limits.rate is not None), float(now_s)


async def _facts(connection: Connection, limits: Limits, audits: bool) -> Facts:
    champion = await read_champion(connection)
    version, activation = (None, None) if champion is None else (champion.version, champion.activation)
    new = await count_new(connection, await known_cut(connection), most=statements_counted(limits))
    audited = await _audits_of(connection, version) if audits and version is not None else NONE
    said = await connection.fetchrow(_HOLD)
    drifted = await connection.fetchval("SELECT drifted FROM drift WHERE activation = $1", activation)
    return Facts(
        champion=version,
        activation=activation,
        cut=new.cut,
        open_job=await connection.fetchval(OPEN_TRAINING),
        on_hold=_words(_hold(said)),
        resumed=said["number"] if said is not None and said["command"] == "resume" else 0,
        last_ended_s=await connection.fetchval(_LAST),
        rejections=await connection.fetchval(_REJECTIONS),
        corrections_s=new.corrections_s,
        corrections=len(new.corrections_s),
        labels=len(new.labels_s),
        latest_s=new.latest_s,
        audit_rows=audited.rows,
        audit_corrected=audited.corrected,
        drifted=tuple(drifted or ()),
        rolled_back=champion is not None and champion.reason.get("trigger") == "evidence",
        labels_s=new.labels_s,
        more=new.more,
    )


async def _audits_of(connection: Connection, model: int) -> Audits:
    return (await count_audits(connection, [model])).get(model, NONE)
