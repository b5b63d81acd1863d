"""`relearn model`: trains, activates, lists, exports and imports models, and lists their training examples."""

from __future__ import annotations

import asyncio

import click

from relearn.agents.kafka.send_command import manual_command
from relearn.schemas.messages.commands import Verb
from relearn.scripts.client.environment import load_settings
from relearn.scripts.client.send_and_wait import Outcome, person, send_and_wait
from relearn.scripts.commands.model_export import export
from relearn.scripts.commands.model_import import import_
from relearn.scripts.commands.model_list import examples, list_, show
from relearn.scripts.commands.outcome import GOES_ON, finish, timeout_option
from relearn.scripts.commands.output import as_json_option, progress, version_argument
from relearn.scripts.commands.table_options import load_table, table_options
from relearn.scripts.data.bootstrap import train_on
from relearn.scripts.data.datasets import require_classes, split_rows
from relearn.scripts.tables.kinds import shown
from relearn.scripts.tables.table_options import TableOptions

ON_HOLD = "automatic promotion is on hold; `relearn model resume` ends the hold"


@click.group()
def model() -> None:
    """Train, activate, list, show, export and import models, and list their training examples."""


@model.command()
@click.option(
    "--data",
    "source",
    required=True,
    metavar="DATASET|FILE",
    help="digits, breast_cancer, wine, orders, letters, or a CSV or Parquet file.",
)
@click.option("--label", metavar="COLUMN", help="The label column of a file, by name or by number from 1.")
@table_options
@click.option("--rows", type=click.IntRange(1), help="Number of rows to train on, each class in its share.")
@click.option("--seed", type=int, default=0, show_default=True, help="Chooses the rows for --rows.")
@timeout_option(300.0)
@as_json_option
def train(
    *,
    source: str,
    label: str | None,
    table: TableOptions,
    rows: int | None,
    seed: int,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Load labelled records as examples and train a model on all stored examples.

    A CSV file is separated by comma, semicolon or tab, in UTF-8, with the columns' names in its first line. Each column
    is a feature, except the label, those of --drop, and the columns `id`, `subject`, `batch` and `context`: a number if
    all its values are, a text if most of them differ and have three words or more, else a category. An empty cell is a
    missing value. What was inferred is printed. Rows of one `subject` are one example, the last one. Parquet
    (FILE.parquet) needs pip install 'relearn[parquet]'.

    The exit code is 0 if the model was promoted, 1 if not, and 2 if the data can't be used. A model not known to be
    better than the champion scores the same records as a shadow until reviews decide: the exit code is then 1, and
    the command doesn't wait.
    """
    settings, dataset = load_settings(), load_table(source, label=label, options=table)
    require_classes(dataset)
    if not dataset.schema.plain:
        click.echo(f"features: {shown(dataset.schema)}", err=True)
    if rows is not None:
        dataset, _ = split_rows(dataset, rows, seed)
    with progress(GOES_ON) as on_state:
        outcome = asyncio.run(train_on(settings, dataset, timeout_s=timeout_s, on_state=on_state))
    finish(outcome, timeout_s, as_json)


@model.command()
@version_argument
@click.option("--force", is_flag=True, help="Also a model that was rejected or rolled back. Its job records that.")
@timeout_option(60.0)
@as_json_option
def activate(version: int, force: bool, timeout_s: float, as_json: bool) -> None:
    """Make model VERSION the champion. Automatic promotion is on hold afterwards, until `relearn model resume`."""
    outcome = _send_by_hand("activate", version, timeout_s=timeout_s, force=force)
    finish(outcome, timeout_s, as_json, then=ON_HOLD)


@model.command()
@timeout_option(60.0)
@as_json_option
def rollback(timeout_s: float, as_json: bool) -> None:
    """Activate the champion before this one. This one becomes rolled-back, and no rollback returns to it.

    Automatic promotion is on hold afterwards, until `relearn model resume`.
    """
    finish(_send_by_hand("rollback", timeout_s=timeout_s), timeout_s, as_json, then=ON_HOLD)


@model.command()
@timeout_option(60.0)
@as_json_option
def hold(timeout_s: float, as_json: bool) -> None:
    """Stop automatic training and promotion until `relearn model resume`. Activating by hand still works."""
    finish(_send_by_hand("hold", timeout_s=timeout_s), timeout_s, as_json, then=ON_HOLD)


@model.command()
@timeout_option(60.0)
@as_json_option
def resume(timeout_s: float, as_json: bool) -> None:
    """Let models be trained and promoted automatically again."""
    then = "models are trained and promoted automatically again"
    finish(_send_by_hand("resume", timeout_s=timeout_s), timeout_s, as_json, then=then)


def _send_by_hand(verb: Verb, version: int | None = None, *, timeout_s: float, force: bool = False) -> Outcome:
    """Send one command in the name of the user who runs this, with progress on stderr."""
    command = manual_command(verb, version, by=person(), force=force)
    with progress(GOES_ON) as on_state:
        return asyncio.run(send_and_wait(load_settings(), command, timeout_s=timeout_s, on_state=on_state))


for command in (list_, show, export, import_, examples):
    model.add_command(command)
