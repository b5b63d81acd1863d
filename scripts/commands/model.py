"""`relearn model`: train models, choose which one answers, look at all of them and at what each was trained on."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import click

from relearn.agents.stores.postgres import open_pool
from relearn.agents.stores.training.examples import load_examples
from relearn.schemas.messages.commands import Command
from relearn.schemas.settings import Settings
from relearn.scripts.client.environment import load_settings
from relearn.scripts.client.outcome import OnState, Outcome, ask, ask_by_hand, finish, person, progress
from relearn.scripts.client.query import as_json_option, version_argument
from relearn.scripts.data.datasets import Dataset, load_dataset, require_classes, split_rows
from relearn.scripts.render.lineage import examples, list_, show

ON_HOLD = "automatic promotion is on hold from now on; `relearn model resume` lifts that"


async def train_on(
    settings: Settings, dataset: Dataset, *, timeout_s: float, on_state: OnState = lambda state: None
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
    command = Command(str(uuid.uuid4()), "train", reason, by=person())
    return await ask(settings, command, timeout_s=timeout_s, on_state=on_state)


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
    with progress() as on_state:
        outcome = asyncio.run(train_on(settings, dataset, timeout_s=timeout_s, on_state=on_state))
    finish(outcome, timeout_s, as_json)


@model.command()
@version_argument
@_timeout_option(60.0)
@as_json_option
def activate(version: int, timeout_s: float, as_json: bool) -> None:
    """Make model VERSION the champion. Automatic promotion is on hold afterwards, until `relearn model resume`."""
    finish(ask_by_hand("activate", version, timeout_s=timeout_s), timeout_s, as_json, then=ON_HOLD)


@model.command()
@_timeout_option(60.0)
@as_json_option
def rollback(timeout_s: float, as_json: bool) -> None:
    """Return to the champion before this one, which is left as rolled-back: no rollback returns to it.

    Automatic promotion is on hold afterwards, until `relearn model resume`.
    """
    finish(ask_by_hand("rollback", timeout_s=timeout_s), timeout_s, as_json, then=ON_HOLD)


@model.command()
@_timeout_option(60.0)
@as_json_option
def hold(timeout_s: float, as_json: bool) -> None:
    """Stop automatic training and promotion until `relearn model resume`. Activating by hand still works."""
    finish(ask_by_hand("hold", timeout_s=timeout_s), timeout_s, as_json, then=ON_HOLD)


@model.command()
@_timeout_option(60.0)
@as_json_option
def resume(timeout_s: float, as_json: bool) -> None:
    """Let models be trained and promoted automatically again."""
    then = "models are trained and promoted automatically again"
    finish(ask_by_hand("resume", timeout_s=timeout_s), timeout_s, as_json, then=then)


for command in (list_, show, examples):
    model.add_command(command)
