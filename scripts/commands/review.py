"""`relearn review`: answer for predictions as a person would who knows the truth, and errs now and then."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable

import click
import numpy as np

from relearn.agents.stores.postgres import open_pool
from relearn.agents.stores.training.examples import read_features
from relearn.schemas.errors import Refused
from relearn.schemas.settings import Settings
from relearn.schemas.text import text_fault
from relearn.scripts.client.environment import load_settings
from relearn.scripts.client.producer import stopping_on_signals
from relearn.scripts.client.query import read
from relearn.scripts.data.datasets import load_dataset
from relearn.scripts.data.ground_truth import oracle_of
from relearn.scripts.data.review_loop import FeedbackSender, Pace
from relearn.scripts.data.review_loop import review as speak
from relearn.scripts.data.reviewer import Reviewer
from relearn.scripts.render.progress import bar

WAITING = "nothing to review now; waiting for predictions that nobody has reviewed"


@click.command()
@click.option("--oracle", "source", required=True, metavar="DATASET|FILE", help="Where the right labels stand.")
@click.option("--label", metavar="COLUMN", help="The label column of a CSV file, by name or by number from 1.")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Answers per second; as fast as can be.")
@click.option("--error", default=0.0, type=click.FloatRange(0, 1), help="How likely an answer is wrong.")
@click.option(
    "--audit",
    type=click.FloatRange(0, 1),
    help="The share of random records, at least 0.5 while something drifts; RELEARN_AUDIT_SHARE.",
)
@click.option("--count", type=click.IntRange(1), help="Stop after so many answers.")
@click.option("--reviewer", default="oracle", show_default=True, help="The name to answer under.")
@click.option("--seed", type=int, help="What is left to chance; the same number gives the same choices.")
@click.option("--only-errors", is_flag=True, help="Answer only where the prediction is wrong, as volunteers do.")
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
) -> None:
    """Answer for recent predictions that nobody has reviewed, over the feedback topic, until Ctrl-C or --count.

    A share of them is picked at random (audit); else first those on which champion and shadow disagree, then the least
    certain. The right label is that of the record's subject in DATASET (digits, breast_cancer or wine) or FILE, else
    that of the row with the very same features; records that it doesn't know are left alone. No prediction is answered
    twice. The exit code is 1 if the broker has not acknowledged every answer.
    """
    if only_errors and audit is not None:
        raise click.UsageError("--only-errors picks what is wrong: it leaves nothing to --audit")
    if fault := "is empty" if not reviewer else text_fault(reviewer):
        raise click.BadParameter(fault, param_hint="--reviewer")
    settings, dataset = load_settings(), load_dataset(source, label=label)
    oracle = oracle_of(dataset, read(read_features))
    if error > 0 and len(oracle.classes) < 2:
        raise Refused(f"all of {source} is {oracle.classes[0]!r}: there is no other label to answer by mistake")
    share = settings.audit_share if audit is None else audit
    person = Reviewer(oracle, settings.namespace, reviewer, share, error, only_errors, np.random.default_rng(seed))
    mouth, stop = FeedbackSender(settings), threading.Event()
    mouth.sender.check()
    try:
        with stopping_on_signals(stop), bar(count, "answers") as on_progress:
            pace = Pace(rate, count, stop, on_progress, _idle(source))
            asyncio.run(_speak(settings, mouth, person, pace))
    finally:
        mouth.sender.flush()
        if person.unknown:
            click.echo(f"{person.unknown:,} records skipped: {source} doesn't know them", err=True)
        click.echo(mouth.summary(), err=True)
    sys.exit(0 if mouth.sender.acknowledged == mouth.sender.sent else 1)


async def _speak(settings: Settings, mouth: FeedbackSender, person: Reviewer, pace: Pace) -> None:
    pool = await open_pool(settings, size=1)
    try:
        await speak(pool, mouth, person, pace)
    finally:
        pool.terminate()


def _idle(source: str) -> Callable[[int], None]:
    """Says once what is waited for."""
    told: list[str] = []

    def idle(unknown: int) -> None:
        if not told:
            told.append(f"{unknown:,} records aren't in {source}; waiting for others" if unknown else WAITING)
            click.echo(told[0], err=True)

    return idle
