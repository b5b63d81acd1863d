"""`relearn model`: train models, choose which one answers, look at all of them and at what each was trained on."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console

from relearn.agents.kafka.send_command import manual_command
from relearn.agents.stores.training.jobs import Job
from relearn.schemas.messages.commands import Verb
from relearn.scripts.client.command import OnState, Outcome, person, send_and_wait
from relearn.scripts.client.environment import load_settings
from relearn.scripts.commands.model_list import examples, list_, show
from relearn.scripts.commands.output import as_json_option, version_argument
from relearn.scripts.data.bootstrap import train_on
from relearn.scripts.data.datasets import load_dataset, require_classes, split_rows
from relearn.scripts.render.jobs_models import outcome_lines

ON_HOLD = "automatic promotion is on hold from now on; `relearn model resume` lifts that"


@click.group()
def model() -> None:
    """Train models, choose which one answers, and look at all of them."""


def _timeout_option(default_s: float) -> Callable[[Any], Any]:
    return click.option(
        "--timeout",
        "timeout_s",
        type=click.FloatRange(1),
        default=default_s,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait for what comes of it.",
    )


@model.command()
@click.option(
    "--data", "source", required=True, metavar="DATASET|FILE.csv", help="digits, breast_cancer, wine, or CSV."
)
@click.option("--label", metavar="COLUMN", help="The label column of a CSV file, by name or by number from 1.")
@click.option("--rows", type=click.IntRange(1), help="Train on so many of them, each class in its share.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which ones --rows takes.")
@_timeout_option(300.0)
@as_json_option
def train(*, source: str, label: str | None, rows: int | None, seed: int, timeout_s: float, as_json: bool) -> None:
    """Load labelled records as examples and have a model trained on all that there are.

    Exits with 0 if it was promoted, with 1 if not, and with 2 if the data can't be used. A model that isn't known to be
    better than the champion answers beside it as a shadow until reviews tell: that is a 1, and nobody waits for it.
    """
    settings, dataset = load_settings(), load_dataset(source, label=label)
    require_classes(dataset)
    if rows is not None:
        dataset, _ = split_rows(dataset, rows, seed)
    with _progress() as on_state:
        outcome = asyncio.run(train_on(settings, dataset, timeout_s=timeout_s, on_state=on_state))
    _finish(outcome, timeout_s, as_json)


@model.command()
@version_argument
@_timeout_option(60.0)
@as_json_option
def activate(version: int, timeout_s: float, as_json: bool) -> None:
    """Make model VERSION the champion. Automatic promotion is on hold afterwards, until `relearn model resume`."""
    _finish(_send_by_hand("activate", version, timeout_s=timeout_s), timeout_s, as_json, then=ON_HOLD)


@model.command()
@_timeout_option(60.0)
@as_json_option
def rollback(timeout_s: float, as_json: bool) -> None:
    """Return to the champion before this one, which is left as rolled-back: no rollback returns to it.

    Automatic promotion is on hold afterwards, until `relearn model resume`.
    """
    _finish(_send_by_hand("rollback", timeout_s=timeout_s), timeout_s, as_json, then=ON_HOLD)


@model.command()
@_timeout_option(60.0)
@as_json_option
def hold(timeout_s: float, as_json: bool) -> None:
    """Stop automatic training and promotion until `relearn model resume`. Activating by hand still works."""
    _finish(_send_by_hand("hold", timeout_s=timeout_s), timeout_s, as_json, then=ON_HOLD)


@model.command()
@_timeout_option(60.0)
@as_json_option
def resume(timeout_s: float, as_json: bool) -> None:
    """Let models be trained and promoted automatically again."""
    then = "models are trained and promoted automatically again"
    _finish(_send_by_hand("resume", timeout_s=timeout_s), timeout_s, as_json, then=then)


def _send_by_hand(verb: Verb, version: int | None = None, *, timeout_s: float) -> Outcome:
    """Ask for one thing as the person who runs this, with progress on stderr."""
    command = manual_command(verb, version, by=person())
    with _progress() as on_state:
        return asyncio.run(send_and_wait(load_settings(), command, timeout_s=timeout_s, on_state=on_state))


def _finish(outcome: Outcome, timeout_s: float, as_json: bool, *, then: str | None = None) -> None:
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
def _progress() -> Iterator[OnState]:
    """A spinner with the latest state on a terminal, and a line per state elsewhere."""
    words = Console(stderr=True, highlight=False)
    if not words.is_terminal:
        yield words.print
        return
    with words.status("connecting") as status:
        yield status.update


for command in (list_, show, examples):
    model.add_command(command)
