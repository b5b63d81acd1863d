"""`relearn produce`: streams a data set or a CSV file to the ingest topic."""

from __future__ import annotations

import sys
import threading
import uuid
from itertools import islice
from typing import cast

import click

from relearn.schemas.topics import topic_name
from relearn.scripts.client.environment import load_settings
from relearn.scripts.client.producer import Sender, send_paced, stopping_on_signals
from relearn.scripts.commands.table_options import load_table, table_options
from relearn.scripts.data.messages import FORMS, Form, cut, outgoing, passes
from relearn.scripts.render.progress import bar
from relearn.scripts.tables.table_options import TableOptions

COMPRESSIONS = ("none", "gzip", "snappy", "lz4", "zstd")


@click.command()
@click.argument("source", metavar="DATASET|FILE")
@click.option("--label", metavar="COLUMN", help="The label column, by name or by number from 1. It is not sent.")
@table_options
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Records per second.  [default: no limit]")
@click.option("--batch", default=1, show_default=True, type=click.IntRange(1), help="Records per message.")
@click.option("--repeat", is_flag=True, help="Repeat the data until Ctrl-C.")
@click.option(
    "--count", type=click.IntRange(1), help="Stop after this number of records; repeats the data if necessary."
)
@click.option(
    "--form", default="packed", show_default=True, type=click.Choice(FORMS), help="The encoding of the features."
)
@click.option("--compression", default="none", show_default=True, type=click.Choice(COMPRESSIONS))
@click.option("--seed", type=int, help="Shuffle the records; the same seed gives the same order.")
@click.option(
    "--noise", default=0.0, type=click.FloatRange(0), help="Add noise, in standard deviations of each feature."
)
def produce(
    *,
    source: str,
    label: str | None,
    rate: float | None,
    batch: int,
    repeat: bool,
    count: int | None,
    form: str,
    compression: str,
    seed: int | None,
    noise: float,
    table: TableOptions,
) -> None:
    """Stream records to the ingest topic. DATASET is digits, breast_cancer, wine, orders or letters, FILE a table.

    Each column of a FILE is a feature, except the label, those of --drop, and the columns `id`, `subject`, `batch` and
    `context`, which accompany the record. With --batch a message holds records of one `batch`.

    Ctrl-C ends the stream. The exit code is 1 if the broker has not acknowledged every record.
    """
    settings = load_settings()
    dataset = load_table(source, label=label, options=table)
    sender = Sender(
        settings,
        topic_name(settings.namespace, "ingest"),
        source=f"/{settings.namespace}/produce",
        compression=compression,
    )
    sender.check()
    rounds = passes(dataset, seed=seed, noise=noise)
    total = count if count is not None else None if repeat else len(dataset)
    pieces = cut(rounds if repeat or count else islice(rounds, 1), batch, count)
    run = f"{dataset.stem}-{uuid.uuid4().hex[:8]}"
    messages = outgoing(pieces, form=cast(Form, form), run=run, many=batch > 1)
    stop = threading.Event()
    with stopping_on_signals(stop), bar(total, "records") as on_progress:
        try:
            send_paced(sender, messages, rate=rate, stop=stop, on_progress=lambda: on_progress(sender.sent))
        finally:
            sender.flush()
            on_progress(sender.acknowledged)
    click.echo(summary(sender.sent, sender.acknowledged, sender.error), err=True)
    sys.exit(0 if sender.acknowledged == sender.sent else 1)


def summary(sent: int, acknowledged: int, error: str | None) -> str:
    """The last line: the records sent and acknowledged."""
    line = f"{sent:,} records sent, {acknowledged:,} acknowledged by the broker"
    lost = sent - acknowledged
    return f"{line}; {lost:,} not: {error or 'no reason given'}" if lost else line
