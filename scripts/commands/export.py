"""`relearn export`: predictions, corrections or examples as CSV, newline-delimited JSON or Parquet."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import click

from relearn.agents.stores.exports import COLUMNS, TABLES, Span, TableName, pages, read_feature_columns
from relearn.agents.stores.postgres import Pool
from relearn.schemas.errors import BadFile, Refused
from relearn.scripts.client.producer import stopping_on_signals
from relearn.scripts.client.query import with_pool
from relearn.scripts.client.time_argument import moment_of
from relearn.scripts.render.progress import bar
from relearn.scripts.tables.export_output import Output
from relearn.scripts.tables.tables_out import FORMATS, WRITERS

_LONG_AGO = "1970-01-01"


@click.command()
@click.argument("table", type=click.Choice(TABLES))
@click.option("--format", "form", type=click.Choice(FORMATS), default="csv", show_default=True)
@click.option("--from", "begin", default=_LONG_AGO, metavar="T", help="Only what is from T on.  [default: everything]")
@click.option("--to", "end", default="0s", metavar="T", help="Only what is before T.  [default: now]")
@click.option("--output", type=click.Path(path_type=Path), help="Write to this file instead of stdout.")
@click.option("--resume", is_flag=True, help="Continue the --output file of an export that was stopped or killed.")
@click.option("--after", metavar="CURSOR", help="Only what follows an earlier export, which printed this at its end.")
def export(
    *, table: str, form: str, begin: str, end: str, output: Path | None, resume: bool, after: str | None
) -> None:
    """Write all stored predictions, corrections or examples, page by page, in memory of a fixed size.

    \b
    predictions   each stored record with its prediction, by the time of ingestion
    corrections   each statement of a reviewer, confirmations and withdrawals (no label) included, by its arrival
    examples      the loaded examples that count: id, subject, label, features; `relearn model train` reads them again
                  and makes the same model of them (--label label)

    Features are columns by their names behind the others; in ndjson a map. T is a time in ISO 8601 (UTC unless it has
    an offset), or an age such as 10m, 2h or 1d: of ingestion, of the statement's message, of loading.

    Ctrl-C ends the export after a page. Every export prints a cursor at its end: with --after it continues there, also
    for what was stored since. With --output, --resume continues in the same file, also after kill -9 or a full disk,
    and writes nothing twice. Parquet needs --output and the extra: pip install 'relearn[parquet]'.

    The exit code is 0 if everything was written, 130 if it was stopped, 2 after an error.
    """
    if form == "parquet" and (output is None or resume):
        raise click.UsageError(
            "Parquet can't be continued in its file: use --after and another file."
            if resume
            else "Parquet can't be written to stdout: give --output FILE."
        )
    if resume and (output is None or after is not None):
        raise click.UsageError("--resume needs --output FILE, and takes its cursor from there instead of --after.")
    now = datetime.now(UTC)
    first, last = moment_of(begin, now), moment_of(end, now)
    if first >= last:
        raise Refused(f"--from {first.isoformat()} isn't before --to {last.isoformat()}")
    destination = Output(output, form)
    span = Span(cast(TableName, table), first, last, destination.continue_at() if resume else after)
    stop = threading.Event()
    with _reported(destination), stopping_on_signals(stop):
        with_pool(lambda pool: _write(pool, span, destination, stop))
    if stop.is_set():
        sys.exit(130)


async def _write(pool: Pool, span: Span, output: Output, stop: threading.Event) -> None:
    features = await read_feature_columns(pool)
    with output.opened() as file, bar(None, "rows") as on_progress:
        writer = WRITERS[output.form](file, COLUMNS[span.table], features)
        if not output.rows and span.after is None:
            writer.head()
        async with aclosing(pages(pool, span, features)) as found:
            async for page in found:
                await asyncio.to_thread(writer.page, page)
                output.written(len(page.records), page.cursor)
                on_progress(output.rows)
                if stop.is_set():
                    break
        writer.close()
    if not stop.is_set():
        output.completed()


@contextmanager
def _reported(output: Output) -> Iterator[None]:
    """The number of rows and the cursor on stderr, also after an error."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as exc:
        raise BadFile(output.name, f"can't be written: {exc.strerror or exc}") from exc
    finally:
        click.echo(f"{output.rows:,} rows{output.hint()}", err=True)
