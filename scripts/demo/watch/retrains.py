"""What happened to each training since the demo began, from Postgres: its trigger, its verdict and its swap."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.training.jobs import Job, list_jobs
from relearn.agents.stores.training.loop_facts import read_loop
from relearn.agents.stores.training.models import read_model
from relearn.schemas.settings import Settings
from relearn.schemas.text import first_few
from relearn.scripts.demo.display.console import Report

_JOBS = 50
_MAX_CHARACTERS = 200


@dataclass(slots=True)
class RetrainWatch:
    """The trainings since `begin`. `policy`: the policy's text now; `promoted`: the new champions, in their order.

    Of the trainings requested since `mark`: `served`, the number that made a champion which all score workers serve;
    `judged`, the number that did that or were rejected.
    """

    settings: Settings
    pool: Pool
    report: Report
    workers: Callable[[], Sequence[Mapping[str, Any]]]
    policy: str = ""
    promoted: list[int] = field(default_factory=list)
    shadow_s: float | None = None
    """When the last model became a shadow, if it still is one, on the monotonic clock."""
    served: int = 0
    judged: int = 0
    last: Job | None = None
    _earlier: set[str] = field(default_factory=set)
    _reported: dict[str, str] = field(default_factory=dict)
    _marked: set[str] = field(default_factory=set)
    _swapping: tuple[str, int] | None = None

    async def begin(self) -> None:
        """Read the jobs that exist already: they are not reported.

        Raises:
            PostgresUnavailable: retryable.
        """
        self._earlier = {job.id for job in await list_jobs(self.pool, _JOBS)}

    def mark(self) -> None:
        """Count only trainings requested from now on as `served` and `judged`."""
        self.served = self.judged = 0
        self._marked = set(self._reported)

    async def poll(self) -> None:
        """Read policy and jobs, and report what is new.

        Raises:
            PostgresUnavailable: retryable.
        """
        self.policy = (await read_loop(self.pool, self.settings)).state.sentence
        for job in reversed(await list_jobs(self.pool, _JOBS)):
            if job.id in self._earlier:
                continue
            if job.command == "train":
                await self._follow(job)
            elif job.ended_at is not None:
                self._earlier.add(job.id)
                self.report(job.command, command_text(job))
        self._look_at_workers()

    def why_not(self) -> str:
        """Why nothing was promoted: the last training's verdict or figures so far, and the policy's text."""
        training = "No training was requested"
        if self.last is not None:
            more = f"; {shadow_text(self.last)}" if self.last.state == "shadow" else ""
            training = f"The last training: {verdict_text(self.last)}{more}"
        return f"{training}; the policy: {self.policy or 'nothing yet'}"

    async def _follow(self, job: Job) -> None:
        before = self._reported.get(job.id)
        if before is None and job.state == "skipped":
            # Requested a second time, before the first request was known to be open.
            self._earlier.add(job.id)
            return
        self.last = job
        if before is None:
            self.report("retrain", f"requested by {trigger_text(job.reason)}")
        if job.state in {before, "queued", "running"}:
            self._reported.setdefault(job.id, "requested")
            return
        model = None
        if job.state == "promoted" and job.version is not None:
            model = await read_model(self.pool, job.version)
        self._reported[job.id] = job.state
        self.shadow_s = time.monotonic() if job.state == "shadow" else None
        if model is not None and model.activation is not None:
            self.promoted.append(model.version)
            self._swapping = job.id, model.activation
            self.report("verdict", verdict_text(job), "green")
        else:
            self.report("shadow" if job.state == "shadow" else "verdict", verdict_text(job), "yellow")
            self.judged += job.state == "rejected" and job.id not in self._marked

    def _look_at_workers(self) -> None:
        if self._swapping is None:
            return
        job, activation = self._swapping
        serving = [one for one in self.workers() if one["role"] == "score"]
        if serving and all((one["activation"] or 0) >= activation for one in serving):
            names = " and ".join(str(one["id"]) for one in serving)
            self.report("swap", f"{names} serve model {self.promoted[-1]} from now on", "green")
            self._swapping = None
            self.served += job not in self._marked
            self.judged += job not in self._marked


def trigger_text(reason: Mapping[str, Any]) -> str:
    """Why a training was requested, from the facts in its command."""
    trigger = str(reason.get("trigger", "unknown"))
    if trigger == "count":
        return f"the count: {reason['corrections']} of {reason['corrections_needed']} corrections"
    if trigger == "labels":
        corrections = f"{reason['corrections']} of them corrections"
        return f"the labels: {reason['labels']} of {reason['labels_needed']}, {corrections}"
    if trigger == "drift":
        return f"drift in {first_few(reason['drifted'])}, with {reason['labels']} new labels to learn from"
    return trigger


def verdict_text(job: Job) -> str:
    """The state of a training: its verdict in the gate's text and figures."""
    gate: Mapping[str, Any] = (job.metrics or {}).get("gate") or {}
    why = str((gate.get("shadow") or {}).get("why") or gate.get("why") or job.error or "")
    if job.state == "shadow":
        return f"model {job.version} is {why}; it answers beside the champion, unseen, until reviews decide"
    if job.state in {"rejected", "superseded", "skipped", "failed"}:
        why = job.error or why
    which = "" if job.version is None else f"model {job.version} "
    return textwrap.shorten(f"{which}{job.state}" + (f": {why}" if why else ""), _MAX_CHARACTERS, placeholder=" …")


def shadow_text(job: Job) -> str:
    """The figures of a shadow so far."""
    found: Mapping[str, Any] = (job.metrics or {}).get("shadow") or {"fixed": 0, "broken": 0, "rows": 0}
    figures = f"it fixes {found['fixed']} and breaks {found['broken']} of {found['rows']} reviewed records"
    return f"model {job.version} is still a shadow: {figures}"


def command_text(job: Job) -> str:
    """The result of a command other than train, and the user who sent it."""
    which = "" if job.version is None else f"to model {job.version}, "
    outcome = "took effect" if job.state == "promoted" else f"{job.state}: {job.error}"
    return f"{which}by {job.by or 'itself'}: {outcome}"
