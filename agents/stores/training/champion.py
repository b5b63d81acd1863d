"""The one answer to "which model is the champion": the newest activation whose role is `champion`.

`activations` is the truth: it has the number that orders swaps, the time and the signed message that every process
applies. `models.state` repeats the answer for lists and filters of models. `activations.activate` writes both in one
transaction under one lock, so both agree inside every snapshot. The fragments read a few rows backwards from the end of
the primary key of `activations`, whatever the number of activations.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from relearn.agents.stores.postgres import Connection, Pool, postgres_errors

#: The champion's activation as a subquery of one row, no row before the first champion. Use: `FROM {CHAMPION} AS c`.
CHAMPION = """(
    SELECT activation, version, job, reason, at FROM activations WHERE role = 'champion'
    ORDER BY activation DESC LIMIT 1
)"""
#: The champion's version as a scalar; NULL before the first champion.
CHAMPION_VERSION = "(SELECT version FROM activations WHERE role = 'champion' ORDER BY activation DESC LIMIT 1)"
#: The number of the champion's activation as a scalar; NULL before the first champion.
CHAMPION_ACTIVATION = "(SELECT max(activation) FROM activations WHERE role = 'champion')"

_READ = f"""
SELECT version, activation, job, reason, at, (SELECT command FROM jobs WHERE id = c.job) AS command
FROM {CHAMPION} AS c
"""  # noqa: S608 - nothing but names of our own


_JUDGING = f"""
SELECT version FROM models WHERE version = {CHAMPION_VERSION} AND schema >= (SELECT max(base) FROM feature_schema)
"""  # noqa: S608 - the same


class ChampionRow(NamedTuple):
    """The champion's newest activation: `job` caused it with `reason` at time `at`, `command` is the job's command."""

    version: int
    activation: int
    job: str
    reason: Mapping[str, Any]
    at: datetime
    command: str


async def read_champion(connection: Connection) -> ChampionRow | None:
    """The champion; None before the first."""
    row = await connection.fetchrow(_READ)
    return None if row is None else ChampionRow(*row)


async def champion_version(connection: Connection) -> int | None:
    """The champion's version; None before the first champion."""
    version = await connection.fetchval(f"SELECT {CHAMPION_VERSION}")
    return None if version is None else int(version)


async def judging_champion(connection: Connection) -> int | None:
    """The version of the champion that judges challengers; None before the first with the namespace's features."""
    version = await connection.fetchval(_JUDGING)
    return None if version is None else int(version)


async def champion_activation(connection: Connection | Pool) -> int | None:
    """The number of the champion's activation; None before the first champion.

    Raises:
        PostgresUnavailable: Retryable.
    """
    with postgres_errors():
        activation = await connection.fetchval(f"SELECT {CHAMPION_ACTIVATION}")
    return None if activation is None else int(activation)
