"""`relearn model`: train the first models, look at all of them, choose which one answers."""

from __future__ import annotations

import asyncio
import getpass
import json
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click
from rich.console import Console

from agents.stores.examples import load_examples
from agents.stores.jobs import Job, job_fields
from agents.stores.models import ModelRow, list_models, model_row_fields, read_model
from agents.stores.postgres import open_pool
from schemas.commands import Command
from schemas.errors import Refused
from schemas.settings import Settings
from scripts.ask import send_command, wait_for_job, wait_for_workers
from scripts.datasets import Dataset, load_dataset, require_classes, split_rows
from scripts.environment import load_settings
from scripts.show import model_lines, models_table, outcome_lines
from scripts.tables import stdout_console

words = Console(stderr=True, highlight=False)


@dataclass(frozen=True)
class Outcome:
    """What came of a command: its job (None: nobody took it), its model, and the score workers' heartbeats."""

    job: Job | None
    model: ModelRow | None
    workers: list[dict[str, Any]] | None

    @property
    def promoted(self) -> bool:
        return self.job is not None and self.job.state == "promoted"

    def fields(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "job": None if self.job is None else job_fields(self.job),
            "model": None if self.model is None else model_row_fields(self.model),
            "workers": self.workers,
        }


async def train_on(
    settings: Settings, dataset: Dataset, *, timeout_s: float, on_state: Callable[[str], None] = lambda state: None
) -> Outcome:
    """Load labelled records as examples, have a model trained on all there are, and wait for it.

    Raises:
        BadFile: the records have no labels, or all the same.
        Refused: the namespace has other features.
        Unavailable: a server is away.
    """
    require_classes(dataset)
    pool = await open_pool(settings, size=1)
    try:
        added = await load_examples(
            pool,
            feature_names=dataset.feature_names,
            features=dataset.features,
            labels=dataset.labels or (),
            subjects=dataset.subjects,
            source=dataset.name,
        )
    finally:
        pool.terminate()
    reason = {"trigger": "bootstrap", "source": dataset.name, "rows": len(dataset), "new": added}
    on_state(f"{added} new examples of {len(dataset)}")
    command = Command(str(uuid.uuid4()), "train", reason, by=_person())
    return await ask(settings, command, timeout_s=timeout_s, on_state=on_state)


async def ask(
    settings: Settings, command: Command, *, timeout_s: float, on_state: Callable[[str], None] = lambda state: None
) -> Outcome:
    """Send `command` and wait for what comes of it."""
    await asyncio.to_thread(send_command, settings, command)
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


@click.group()
def model() -> None:
    """Train, list, show and activate models."""


@model.command()
@click.option(
    "--data", "source", required=True, metavar="DATASET|FILE.csv", help="digits, breast_cancer, wine, or CSV."
)
@click.option("--label", metavar="COLUMN", help="The label column of a CSV file, by name or by number from 1.")
@click.option("--rows", type=click.IntRange(1), help="Train on so many of them, each class in its share.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which ones --rows takes.")
@click.option("--timeout", "timeout_s", type=click.FloatRange(1), default=300.0, show_default=True, metavar="SECONDS")
@click.option("--json", "as_json", is_flag=True)
def train(*, source: str, label: str | None, rows: int | None, seed: int, timeout_s: float, as_json: bool) -> None:
    """Load labelled records as examples and have a model trained on all that there are.

    Exits with 0 if it was promoted, with 1 if not, and with 2 if the data can't be used.
    """
    settings, dataset = load_settings(), load_dataset(source, label=label)
    require_classes(dataset)
    if rows is not None:
        dataset, _ = split_rows(dataset, rows, seed)
    with _progress() as on_state:
        outcome = asyncio.run(train_on(settings, dataset, timeout_s=timeout_s, on_state=on_state))
    _finish(outcome, timeout_s, as_json)


@model.command()
@click.argument("version", type=click.IntRange(1, 2**31 - 1))
@click.option("--timeout", "timeout_s", type=click.FloatRange(1), default=60.0, show_default=True, metavar="SECONDS")
@click.option("--json", "as_json", is_flag=True)
def activate(version: int, timeout_s: float, as_json: bool) -> None:
    """Make model VERSION the champion."""
    command = Command(str(uuid.uuid4()), "activate", {"trigger": "manual"}, version, _person())
    with _progress() as on_state:
        outcome = asyncio.run(ask(load_settings(), command, timeout_s=timeout_s, on_state=on_state))
    _finish(outcome, timeout_s, as_json)


@model.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def list_(limit: int, as_json: bool) -> None:
    """List models, the newest first."""
    models = asyncio.run(_list(load_settings(), limit))
    if as_json:
        click.echo(json.dumps([model_row_fields(one) for one in models], indent=2))
    elif models:
        stdout_console().print(models_table(models))
    else:
        words.print("there are no models; `relearn model train --data digits --rows 60` makes one")


@model.command()
@click.argument("version", type=click.IntRange(1, 2**31 - 1))
@click.option("--json", "as_json", is_flag=True)
def show(version: int, as_json: bool) -> None:
    """Show model VERSION: where it comes from and how good it was out of fold."""
    found = asyncio.run(_show(load_settings(), version))
    if found is None:
        raise Refused(f"there is no model {version}")
    if as_json:
        click.echo(json.dumps(model_row_fields(found), indent=2))
    else:
        for line in model_lines(found):
            click.echo(line)


async def _list(settings: Settings, limit: int) -> list[ModelRow]:
    pool = await open_pool(settings, size=1)
    try:
        return await list_models(pool, limit)
    finally:
        pool.terminate()


async def _show(settings: Settings, version: int) -> ModelRow | None:
    pool = await open_pool(settings, size=1)
    try:
        return await read_model(pool, version)
    finally:
        pool.terminate()


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """A spinner with the latest state on a terminal, and a line per state elsewhere."""
    if not words.is_terminal:
        yield words.print
        return
    with words.status("connecting") as status:
        yield status.update


def _finish(outcome: Outcome, timeout_s: float, as_json: bool) -> None:
    """Show what came of a command, and leave with 1 if it wasn't promoted."""
    if as_json:
        click.echo(json.dumps(outcome.fields(), indent=2))
    else:
        for line in outcome_lines(outcome.job, outcome.model, outcome.workers):
            click.echo(line)
    if outcome.job is None:
        words.print(f"nobody took the command within {timeout_s:g} s: is a retrain worker up? (`relearn status`)")
    elif outcome.job.ended_at is None:
        words.print(f"not done after {timeout_s:g} s; `relearn job show {outcome.job.id}` tells how it goes on")
    if not outcome.promoted:
        sys.exit(1)


def _person() -> str | None:
    """Whoever runs this, for the records."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return None
