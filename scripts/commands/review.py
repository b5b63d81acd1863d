"""`relearn review`: a simulated reviewer, who knows the true labels and errs with a given probability."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable

import click
import numpy as np

from relearn.agents.stores.postgres import open_pool
from relearn.agents.stores.training.examples import read_schema
from relearn.schemas.errors import Refused
from relearn.schemas.settings import Settings
from relearn.schemas.text import text_fault
from relearn.scripts.client.environment import load_settings
from relearn.scripts.client.producer import stopping_on_signals
from relearn.scripts.client.query import with_pool
from relearn.scripts.commands.table_options import load_table, table_options
from relearn.scripts.data.ground_truth import oracle_of
from relearn.scripts.data.review_loop import FeedbackSender, Pace, review_predictions
from relearn.scripts.data.reviewer import Reviewer
from relearn.scripts.render.progress import bar
from relearn.scripts.tables.table_options import TableOptions

WAITING = "nothing to review now; waiting for unreviewed predictions"


@click.command()
@click.option("--oracle", "source", required=True, metavar="DATASET|FILE", help="The source of the true labels.")
@click.option("--label", metavar="COLUMN", help="The label column of a file, by name or by number from 1.")
@table_options
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Answers per second.  [default: no limit]")
@click.option("--error", default=0.0, type=click.FloatRange(0, 1), help="The probability of a wrong answer.")
@click.option(
    "--audit",
    type=click.FloatRange(0, 1),
    help="The share of random records, at least 0.5 while a feature drifts.  [default: RELEARN_AUDIT_SHARE]",
)
@click.option("--count", type=click.IntRange(1), help="Stop after this number of answers.")
@click.option("--reviewer", default="oracle", show_default=True, help="The reviewer's name.")
@click.option("--seed", type=int, help="Seed of the random choices.")
@click.option("--only-errors", is_flag=True, help="Answer only wrong predictions, as volunteers do.")
def review(
    *,
    source: str,
    label: str | None,
    rate: float | None,
    error: float,
    audit: float | None,
    count: int | None,
    reviewer: str,
    seed: int | None,
    only_errors: bool,
    table: TableOptions,
) -> None:
    """Review recent unreviewed predictions over the feedback topic, until Ctrl-C or --count.

    A share of them is chosen at random (audit). Of the others, those come first on which champion and shadow disagree,
    then the least certain. The true label is that of the record's subject in DATASET (digits, breast_cancer, wine or
    orders) or FILE, else that of the row with the same features; unknown records are skipped. No prediction is answered
    twice. The exit code is 1 if the broker has not acknowledged every answer.
    """
    if only_errors and audit is not None:
        raise click.UsageError("--only-errors reviews wrong predictions only: it can't be combined with --audit")
    if fault := "is empty" if not reviewer else text_fault(reviewer):
        raise click.BadParameter(fault, param_hint="--reviewer")
    settings, dataset = load_settings(), load_table(source, label=label, options=table)
    oracle = oracle_of(dataset, with_pool(read_schema))
    if error > 0 and len(oracle.classes) < 2:
        raise Refused(f"all of {source} is {oracle.classes[0]!r}: there is no other label to answer by mistake")
    share = settings.audit_share if audit is None else audit
    simulated = Reviewer(oracle, settings.namespace, reviewer, share, error, only_errors, np.random.default_rng(seed))
    feedback, stop = FeedbackSender(settings), threading.Event()
    feedback.sender.check()
    try:
        with stopping_on_signals(stop), bar(count, "answers") as on_progress:
            pace = Pace(rate, count, stop, on_progress, _idle(source))
            asyncio.run(_review(settings, feedback, simulated, pace))
    finally:
        feedback.sender.flush()
        if simulated.unknown:
            click.echo(f"{simulated.unknown:,} records skipped: {source} has no labels for them", err=True)
        click.echo(feedback.summary(), err=True)
    sys.exit(0 if feedback.sender.acknowledged == feedback.sender.sent else 1)


async def _review(settings: Settings, feedback: FeedbackSender, reviewer: Reviewer, pace: Pace) -> None:
    pool = await open_pool(settings, size=1)
    try:
        await review_predictions(pool, feedback, reviewer, pace)
    finally:
        pool.terminate()


def _idle(source: str) -> Callable[[int], None]:
    """Prints once what the reviewer waits for."""
    printed: list[str] = []

    def idle(unknown: int) -> None:
        if not printed:
            printed.append(f"{unknown:,} records aren't in {source}; waiting for others" if unknown else WAITING)
            click.echo(printed[0], err=True)

    return idle
