"""A command's way: sent, waited for, shown, and turned into an exit code."""

from __future__ import annotations

import asyncio
import getpass
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click
from rich.console import Console

from relearn.agents.kafka.send_command import manual_command
from relearn.agents.stores.postgres import open_pool
from relearn.agents.stores.training.jobs import Job, job_fields
from relearn.agents.stores.training.models import ModelRow, model_row_fields, read_model
from relearn.schemas.messages.commands import Command, Verb
from relearn.schemas.settings import Settings
from relearn.scripts.client.command import deliver_command, wait_for_job, wait_for_workers
from relearn.scripts.client.environment import load_settings
from relearn.scripts.render.jobs_models import outcome_lines

OnState = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What came of a command: its job (None: nobody took it), its model, and the score workers' heartbeats."""

    job: Job | None
    model: ModelRow | None
    workers: list[dict[str, Any]] | None

    @property
    def promoted(self) -> bool:
        """Whether it took effect."""
        return self.job is not None and self.job.state == "promoted"

    def fields(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "job": None if self.job is None else job_fields(self.job),
            "model": None if self.model is None else model_row_fields(self.model),
            "workers": self.workers,
        }


async def ask(
    settings: Settings, command: Command, *, timeout_s: float, on_state: OnState = lambda state: None
) -> Outcome:
    """Send `command` and wait for what comes of it."""
    await deliver_command(settings, command)
    pool = await open_pool(settings, size=1)
    try:
        job = await wait_for_job(pool, command.id, timeout_s=timeout_s, on_state=on_state)
        model = await read_model(pool, job.version) if job is not None and job.version is not None else None
    finally:
        pool.terminate()
    workers = None
    if job is not None and job.state == "promoted" and model is not None and model.activation is not None:
        on_state("swapping")
        workers = await wait_for_workers(settings, model.activation)
    return Outcome(job, model, workers)


def ask_by_hand(verb: Verb, version: int | None = None, *, timeout_s: float) -> Outcome:
    """Ask for one thing as the person who runs this, with progress on stderr."""
    command = manual_command(verb, version, by=person())
    with progress() as on_state:
        return asyncio.run(ask(load_settings(), command, timeout_s=timeout_s, on_state=on_state))


def finish(outcome: Outcome, timeout_s: float, as_json: bool, *, then: str | None = None) -> None:
    """Show what came of a command, and leave with 1 if it didn't take effect; `then` is said if it did."""
    if as_json:
        click.echo(json.dumps(outcome.fields(), indent=2))
    else:
        for line in outcome_lines(outcome.job, outcome.model, outcome.workers):
            click.echo(line)
    said = _what_next(outcome.job, timeout_s) or (then if outcome.promoted else None)
    if said:
        click.echo(said, err=True)
    if not outcome.promoted:
        sys.exit(1)


def _what_next(job: Job | None, timeout_s: float) -> str | None:
    """What to do about a job that hasn't ended."""
    if job is None:
        return f"nobody took the command within {timeout_s:g} s: is a retrain worker up? (`relearn status`)"
    follow = f"`relearn job show {job.id}` tells how it goes on"
    if job.state == "shadow":
        return (
            f"model {job.version} is not known to be better than the champion yet: it answers the same records unseen,"
            f" until reviews tell which of the two is right more often; {follow}"
        )
    return f"not done after {timeout_s:g} s; {follow}" if job.ended_at is None else None


@contextmanager
def progress() -> Iterator[OnState]:
    """A spinner with the latest state on a terminal, and a line per state elsewhere."""
    words = Console(stderr=True, highlight=False)
    if not words.is_terminal:
        yield words.print
        return
    with words.status("connecting") as status:
        yield status.update


def person() -> str | None:
    """Whoever runs this, for the records."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return None
