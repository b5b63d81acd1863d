"""One round: records that the champion has half wrong, what people say of them, and the swap on every process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.training.champion import champion_activation
from relearn.schemas.identity import Place
from relearn.schemas.messages.feedback import Feedback
from relearn.schemas.messages.ingest import encode_record
from relearn.schemas.settings import Settings
from relearn.scripts.dev.bench.loop.concept import Clusters
from relearn.scripts.dev.bench.loop.feedback_sender import Answered, Sender, Way, said, unsaid
from relearn.scripts.dev.bench.loop.worker_logs import Swap, first_above, parts_of

T = TypeVar("T")

RECORDS = 200
#: Fewer than half: while confirmations are the more, no unreviewed record of the background joins the training set.
WRONG = 90
PATIENCE_S = 60.0
LOOK_EVERY_S = 0.02

_ANSWERED = """
SELECT id, generation, kafka_partition, kafka_offset, record_index, label, activation
FROM predictions WHERE id = ANY ($1)
"""
_JOB = """
SELECT id, command, reason->>'trigger' AS trigger, metrics->'gate'->>'path' AS path,
    extract(epoch FROM queued_at)::float8 AS queued_s, extract(epoch FROM started_at)::float8 AS started_s,
    extract(epoch FROM ended_at)::float8 AS ended_s
FROM jobs WHERE id = (SELECT job FROM activations WHERE activation = $1)
"""
_LATEST_JOBS = """
SELECT concat_ws(' ', command, state, error, metrics->'gate'->>'why') FROM jobs ORDER BY number DESC LIMIT 3
"""
_STORED = "SELECT count(*) FROM corrections WHERE feedback = ANY ($1)"


@dataclass(frozen=True, slots=True)
class Round:
    """A round that went live. Moments are seconds since 1970.

    `gate`: the part of the gate that promoted the model. `said_s`: the last message of feedback was acknowledged.
    `parts_s`: how long each part of the training took. `live_s`: the last process swapped; `published_ms` after the
    message was signed, just before it was published.
    """

    way: Way
    number: int
    wrong: int
    said: int
    trigger: str
    gate: str
    said_s: float
    queued_s: float
    started_s: float
    ended_s: float
    parts_s: Mapping[str, float]
    live_s: float
    published_ms: float


class NeverLive(Exception):
    """A round after which no better model answered everywhere within PATIENCE_S, and its state."""


class Rounds:
    """Plays rounds, one after the other. `logs` are those of the processes that hold a model."""

    def __init__(self, settings: Settings, pool: Pool, clusters: Clusters, logs: Sequence[Path]) -> None:
        self._pool = pool
        self._world = clusters
        self._logs = logs
        self._sender = Sender(settings)
        self._turn = 0

    async def play(self, way: Way, number: int) -> Round:
        """Turn the concept, and see how long it takes until a model that knows it answers.

        Raises:
            NeverLive: there was none in time, or something else came in between.
            Unavailable: a server is away.
        """
        self._turn += 1
        run = f"{way}-{number}"
        activation = await champion_activation(self._pool) or 0
        answered = await self._answered(run, activation)
        statements = said(answered, way, run)
        said_s = await self._sender.feedback(statements)
        swapped = await self._live(run, activation)
        last = max(swapped, key=lambda one: one.at_s)
        job = await self._pool.fetchrow(_JOB, last.activation)
        await self._take_back(run, statements)

        async def parts() -> Mapping[str, float] | None:
            return await asyncio.to_thread(parts_of, self._logs, job["id"])

        return Round(
            way,
            number,
            sum(one.wrong for one in answered),
            len(statements),
            job["trigger"],
            job["path"] or job["command"],
            said_s,
            job["queued_s"],
            job["started_s"],
            job["ended_s"],
            await self._until(parts, f"{run}: the times of its training are in no log"),
            last.at_s,
            max(one.after_ms for one in swapped),
        )

    async def _answered(self, run: str, activation: int) -> list[Answered]:
        """New records, once the champion's answers to all of them are stored."""
        features, labels = self._world.turned(RECORDS, self._turn, wrong=WRONG)
        truth = {f"{run}-{i}": label for i, label in enumerate(labels)}
        values = [encode_record(row, record_id=name, subject=name) for name, row in zip(truth, features, strict=True)]
        await self._sender.send("ingest", values)

        async def stored() -> list[Any] | None:
            rows: list[Any] = await self._pool.fetch(_ANSWERED, list(truth))
            return rows if len(rows) == RECORDS else None

        rows = await self._until(stored, f"{run}: its records were not stored")
        if {row["activation"] for row in rows} != {activation}:
            raise NeverLive(f"{run}: another model than {activation} has answered its records")
        return [Answered(Place(*row[1:5]), row["label"], truth[row["id"]]) for row in rows]

    async def _live(self, run: str, activation: int) -> list[Swap]:
        """The swap of each process."""

        async def live() -> list[Swap] | None:
            return await asyncio.to_thread(first_above, self._logs, activation)

        return await self._until(live, f"{run}: no better model is live")

    async def _take_back(self, run: str, statements: Sequence[Feedback]) -> None:
        """Unsay it all, so that the next round's model doesn't learn from this one's labels."""
        back = unsaid(statements)
        await self._sender.feedback(back)
        names = [one.id for one in back]

        async def stored() -> bool | None:
            return await self._pool.fetchval(_STORED, names) == len(names) or None

        await self._until(stored, f"{run}: the statements could not be withdrawn")

    async def _until(self, look: Callable[[], Awaitable[T | None]], otherwise: str) -> T:
        """What `look` finds, once it finds something."""
        deadline = time.monotonic() + PATIENCE_S
        while (found := await look()) is None:
            if time.monotonic() > deadline:
                jobs = "; ".join([row[0] for row in await self._pool.fetch(_LATEST_JOBS)])
                raise NeverLive(f"{otherwise} after {PATIENCE_S:g} s; the latest jobs: {jobs}")
            await asyncio.sleep(LOOK_EVERY_S)
        return found
