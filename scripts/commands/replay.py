"""`relearn replay`: reads a span of stored predictions and prints what `agents.learning.replay` counts in them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial
from typing import Any

import click

from relearn.agents.learning.replay import TOLERANCE, Replayed, replay, replayed_fields
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.predictions.span import open_span
from relearn.schemas.errors import Refused
from relearn.schemas.identity import INT32_MAX
from relearn.scripts.client.query import with_pool
from relearn.scripts.client.time_argument import moment_of
from relearn.scripts.commands.output import as_json_option
from relearn.scripts.render.figures import share
from relearn.scripts.render.progress import bar

_VERSION = click.IntRange(1, INT32_MAX)


@click.command("replay")
@click.option("--from", "begin", required=True, metavar="T", help="Start of the ingestion times.")
@click.option("--to", "end", default="0s", metavar="T", help="End of the ingestion times, exclusive.  [default: now]")
@click.option("--model", "version", required=True, type=_VERSION, metavar="V", help="The model to score with.")
@click.option("--compare", type=_VERSION, metavar="W", help="Compare with model W instead of the stored answers.")
@as_json_option
def replay_command(*, begin: str, end: str, version: int, compare: int | None, as_json: bool) -> None:
    """Score stored predictions again with model V, and print the differences. Nothing is changed.

    T is a time in ISO 8601 (UTC unless it has an offset), or an age such as 10m, 2h or 1d. Printed are the labels that
    change, and the accuracy of both on reviewed records. Margins of predictions that V itself had made are compared
    with the stored ones: the exit code is 1 if any differs by more than 1e-9·max(1, |b| + Σ|xᵢwᵢ|).
    """
    now = datetime.now(UTC)
    first, last = moment_of(begin, now), moment_of(end, now)
    if first >= last:
        raise Refused(f"--from {_time(first)} isn't before --to {_time(last)}")
    found = with_pool(partial(replay_span, begin=first, end=last, version=version, compare=compare))
    fields = {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "model": version,
        "compare": compare,
        **replayed_fields(found),
    }
    if as_json:
        click.echo(json.dumps(fields, indent=2))
    else:
        for line in replay_lines(fields):
            click.echo(line)
    sys.exit(1 if found.off else 0)


async def replay_span(pool: Pool, *, begin: datetime, end: datetime, version: int, compare: int | None) -> Replayed:
    """Score a span of predictions again, with a progress bar on stderr.

    Raises:
        PostgresUnavailable: retryable.
        Refused: the span is empty, or the model doesn't exist.
    """
    found = Replayed()
    async with open_span(pool, begin, end) as span:
        model = await span.model(version)
        other = None if compare is None else await span.model(compare)
        if other is not None and not await span.comparable(model, other):
            raise Refused(f"models {version} and {compare} have other features")
        if not span.rows:
            raise Refused(f"no prediction is stored that was ingested from {_time(begin)} until {_time(end)}")
        truths = await span.truths()
        with bar(span.rows, "records") as on_progress:
            async with aclosing(span.chunks(model, other)) as chunks:
                async for chunk in chunks:
                    found += replay(chunk, truths, model, other)
                    on_progress(found.rows)
    return found


def replay_lines(fields: dict[str, Any]) -> Iterator[str]:
    """The counts as text."""
    rows, version, other = fields["rows"], fields["model"], fields["compare"]
    yield f"{rows:,} predictions ingested from {fields['from']} until {fields['to']}, again by model {version}"
    before = "what was stored" if other is None else f"model {other}"
    yield f"  changed       {fields['changed']:,} labels ({share(fields['changed'] / rows)}) against {before}"
    for change in fields["changes"]:
        pair = " -> ".join("no answer" if label is None else label for label in (change["from"], change["to"]))
        yield f"    {pair:<20}{change['records']:>9,}"
    yield f"  reviewed      {fields['reviewed']:,} of them" + ("" if fields["reviewed"] else ": no accuracy is known")
    names = {"model": f"model {version}", "stored": "as stored", "compare": f"model {other}"}
    for who, accuracy in fields["accuracy"].items():
        if accuracy is not None:
            yield f"    {names[who]:<12}{share(accuracy)} right ({fields['right'][who]:,})"
    compared, off = fields["margins"]["compared"], fields["margins"]["off"]
    if compared:
        within = f"within {TOLERANCE:g} of their size"
        told = f"{off:,} of them are NOT what was stored {within}" if off else f"all are what was stored {within}"
        yield f"  margins       {compared:,} predictions were model {version}'s own: {told}"


def _time(at: datetime) -> str:
    return at.isoformat(sep=" ", timespec="seconds")
