"""What Postgres shows once a second while a scene runs, and all that it has afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from relearn.agents.learning.reviews import Statement
from relearn.agents.stores.feedback.reviewer_statements import all_statements
from relearn.agents.stores.postgres import Pool, read_snapshot
from relearn.agents.stores.training.champion import champion_version
from relearn.agents.stores.training.jobs import Job, list_jobs
from relearn.agents.stores.training.models import list_models
from relearn.agents.stores.training.policy_facts import known_cut
from relearn.schemas.model.linear_svm import Model
from relearn.scripts.demo.checks.held_back import registered
from relearn.scripts.demo.watch.retrains import trigger_text, verdict_text

_MOST = 10_000
_NEW = """
SELECT count(*) FILTER (WHERE id > $1)::int AS labels, count(*) FILTER (WHERE id > $2)::int AS newer,
    coalesce(max(id), $1) AS last,
    coalesce((SELECT cardinality(waiting_ids) FROM models ORDER BY version DESC LIMIT 1), 0) AS waiting
FROM corrections WHERE id > least($1, $2)
"""
_CHAMPIONS = """
SELECT version, extract(epoch FROM at)::float8 AS at_s, job FROM activations WHERE role = 'champion' ORDER BY activation
"""
_TRAINED = "SELECT id, extract(epoch FROM trained_at)::float8 FROM jobs WHERE trained_at IS NOT NULL"
_DEAD = "SELECT agent, reason, count(*)::int AS letters FROM dead_letters GROUP BY agent, reason ORDER BY agent, reason"


@dataclass(frozen=True, slots=True)
class Sample:
    """One look, `at_s` after the scene began. `labels`: stored so far; `sent`: handed to the producer.

    `untrained`: labels known to no training, those included that wait for later jobs.
    """

    at_s: float
    sent: int
    labels: int
    untrained: int
    champion: int


@dataclass(frozen=True, slots=True)
class Decision:
    """A challenger was judged, or a job ended. `outcome`: the job's state then; `text`: the verdict.

    `took_s`: since the training began, or of a shadow since the challenger was judged; None: the job never began.
    """

    at_s: float
    took_s: float | None
    job: str
    trigger: str
    version: int | None
    outcome: str
    text: str


@dataclass(frozen=True, slots=True)
class Swap:
    """A champion's activation; `labels`: stored by then."""

    at_s: float
    labels: int
    version: int
    job: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What Postgres has at the end; times are seconds since the scene began, those before it negative.

    `models`: every one that was trained, also those that no gate let through.
    """

    statements: Sequence[Statement]
    swaps: Sequence[Swap]
    models: Mapping[int, Model]
    decisions: Sequence[Decision]
    failed: Sequence[str]
    dead_letters: Mapping[str, int]
    corrections_s: Sequence[float]


class Watch:
    """Samples while a scene runs. A look reads only statements that are new or known to no training."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._labels = 0
        self._last = 0

    async def look(self, at_s: float, sent: int) -> Sample:
        """The state now.

        Raises:
            PostgresUnavailable: retryable.
        """
        async with read_snapshot(self._pool) as connection:
            row = await connection.fetchrow(_NEW, self._last, await known_cut(connection))
            champion = await champion_version(connection)
        self._labels += row["labels"]
        self._last = row["last"]
        return Sample(at_s, sent, self._labels, row["newer"] + row["waiting"], champion or 0)


async def read_stored(pool: Pool, began_s: float) -> Stored:
    """Everything that the scene left. `began_s`: seconds since 1970.

    Raises:
        PostgresUnavailable: retryable.
    """
    async with read_snapshot(pool) as connection:
        statements = await all_statements(connection)
        champions = await connection.fetch(_CHAMPIONS)
        trained = {row[0]: row[1] for row in await connection.fetch(_TRAINED)}
        letters = await connection.fetch(_DEAD)
    jobs = await list_jobs(pool, _MOST)
    models = {one.version: await registered(pool, one.version) for one in await list_models(pool, _MOST)}
    swaps = [
        Swap(row["at_s"] - began_s, sum(one.stored_s <= row["at_s"] for one in statements), row["version"], row["job"])
        for row in champions
    ]
    found = [one for job in jobs for one in decisions_of(job, trained.get(job.id), began_s)]
    return Stored(
        statements,
        swaps,
        models,
        sorted(found, key=lambda one: one.at_s),
        [f"{job.command} {job.id}: {job.error}" for job in jobs if job.state == "failed"],
        {f"{row['agent']} {row['reason']}": row["letters"] for row in letters},
        sorted(one.stored_s - began_s for one in statements if one.corrects),
    )


def decisions_of(job: Job, trained_s: float | None, began_s: float) -> list[Decision]:
    """When a job's challenger was judged, and when the job ended; one moment where it became no shadow."""
    gate: Mapping[str, Any] = (job.metrics or {}).get("gate") or {}
    trigger, found = trigger_text(job.reason), []
    since_s = None if job.started_at is None else job.started_at.timestamp()

    def decided(at_s: float, outcome: str, text: str) -> Decision:
        took_s = None if since_s is None else at_s - since_s
        return Decision(at_s - began_s, took_s, job.id, trigger, job.version, outcome, text)

    if gate.get("path") == "shadow" and trained_s is not None:
        found.append(decided(trained_s, "shadow", f"model {job.version} becomes the shadow: {gate.get('why')}"))
        since_s = trained_s
    if job.ended_at is not None:
        found.append(decided(job.ended_at.timestamp(), job.state, verdict_text(job)))
    return found
