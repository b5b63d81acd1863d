"""What the retrain policy says, and each training's way to its verdict and its swap: read from Postgres, and told."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from relearn.agents.learning.policy import Limits, decide
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.training.jobs import Job, list_jobs
from relearn.agents.stores.training.models import read_model
from relearn.agents.stores.training.policy_facts import read_facts
from relearn.schemas.settings import Settings
from relearn.scripts.demo.words import Tell, asked_by, brief, done_by, so_far, told_of

_JOBS = 50


@dataclass(slots=True)
class Retrains:
    """The trainings since `begin`. `words`: what the policy says now; `promoted`: the new champions, in their order.

    Of the trainings asked for since `mark`: `served`, how many made a champion that all score workers have answered
    with; `judged`, how many did that or were rejected.
    """

    settings: Settings
    pool: Pool
    tell: Tell
    workers: Callable[[], Sequence[Mapping[str, Any]]]
    words: str = ""
    promoted: list[int] = field(default_factory=list)
    shadow_s: float | None = None
    """When the last one became a shadow, if it still is one, on the monotonic clock."""
    served: int = 0
    judged: int = 0
    last: Job | None = None
    _earlier: set[str] = field(default_factory=set)
    _told: dict[str, str] = field(default_factory=dict)
    _marked: set[str] = field(default_factory=set)
    _swapping: tuple[str, int] | None = None

    async def begin(self) -> None:
        """Take note of the jobs that there are already: they are no part of the story.

        Raises:
            PostgresUnavailable: ask again.
        """
        self._earlier = {job.id for job in await list_jobs(self.pool, _JOBS)}

    def mark(self) -> None:
        """From now on only those count as `served` that are still to be asked for."""
        self.served = self.judged = 0
        self._marked = set(self._told)

    async def look(self) -> None:
        """See what is new, and tell it.

        Raises:
            PostgresUnavailable: ask again.
        """
        limits = Limits.of(self.settings)
        facts, now_s = await read_facts(self.pool, audits=limits.rate is not None)
        self.words = brief(decide(facts, limits, now_s).words)
        for job in reversed(await list_jobs(self.pool, _JOBS)):
            if job.id in self._earlier:
                continue
            if job.command == "train":
                await self._follow(job)
            elif job.ended_at is not None:
                self._earlier.add(job.id)
                self.tell(job.command, done_by(job))
        self._look_at_workers()

    def why_not(self) -> str:
        """Why nothing was promoted: the last training's verdict or figures so far, and the policy's words."""
        said = "No training was asked for"
        if self.last is not None:
            more = f"; {so_far(self.last)}" if self.last.state == "shadow" else ""
            said = f"The last training: {told_of(self.last)}{more}"
        return f"{said}; the policy says: {self.words or 'nothing yet'}"

    async def _follow(self, job: Job) -> None:
        before = self._told.get(job.id)
        if before is None and job.state == "skipped":
            # Asked for once more, before the first was known to be open.
            self._earlier.add(job.id)
            return
        self.last = job
        if before is None:
            self.tell("retrain", f"asked for by {asked_by(job.reason)}")
        if job.state in {before, "queued", "running"}:
            self._told.setdefault(job.id, "asked")
            return
        model = None
        if job.state == "promoted" and job.version is not None:
            model = await read_model(self.pool, job.version)
        self._told[job.id] = job.state
        self.shadow_s = time.monotonic() if job.state == "shadow" else None
        if model is not None and model.activation is not None:
            self.promoted.append(model.version)
            self._swapping = job.id, model.activation
            self.tell("verdict", told_of(job), "green")
        else:
            self.tell("shadow" if job.state == "shadow" else "verdict", told_of(job), "yellow")
            self.judged += job.state == "rejected" and job.id not in self._marked

    def _look_at_workers(self) -> None:
        if self._swapping is None:
            return
        job, activation = self._swapping
        serving = [one for one in self.workers() if one["role"] == "score"]
        if serving and all((one["activation"] or 0) >= activation for one in serving):
            names = " and ".join(str(one["id"]) for one in serving)
            self.tell("swap", f"{names} answer with model {self.promoted[-1]} from now on", "green")
            self._swapping = None
            self.served += job not in self._marked
            self.judged += job not in self._marked
