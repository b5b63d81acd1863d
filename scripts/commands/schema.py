"""`relearn schema`: the features of the namespace's records, and changing them while the stream runs."""

from __future__ import annotations

import asyncio
import json
import math
import sys
from typing import Any

import click
from rich.text import Text

from relearn.agents.stores.features.versions import StoredVersion, read_versions
from relearn.agents.stores.training.jobs import job_fields
from relearn.schemas.errors import BadMessage, Refused
from relearn.schemas.features import KINDS, Feature, Value, read_kind, schema_fields
from relearn.schemas.schema_changes import SchemaChange, change_fields, read_change
from relearn.scripts.client.environment import load_settings
from relearn.scripts.client.query import with_pool
from relearn.scripts.client.schema_change import Changed, change_and_wait
from relearn.scripts.commands.output import as_json_option, progress
from relearn.scripts.render.tables import plain_table, stdout_console

_timeout_option = click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(1),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Maximum wait for all workers.",
)
_reuse_option = click.option(
    "--reuse-length",
    is_flag=True,
    help="Also where lists of as many values were records of an earlier version with other features.",
)


@click.group()
def schema() -> None:
    """Show the features that records have, and add or retire one while the stream runs."""


@schema.command()
@as_json_option
def show(*, as_json: bool) -> None:
    """Print each feature's name, kind and default, and all versions. The exit code is 2 before there are any."""
    stored = with_pool(read_versions)
    if not stored:
        raise Refused("no examples were loaded yet, so no features are known: `relearn model train` loads the first")
    number, features, defaults = stored[-1].version
    if as_json:
        fields = {
            "version": number,
            "features": schema_fields(features),
            "defaults": dict(defaults),
            "history": [history_fields(one) for one in stored],
        }
        click.echo(json.dumps(fields, indent=2, ensure_ascii=False))
        return
    table = plain_table("feature", "kind", "", flowing=("feature",))
    for one in features.features:
        notes = ["may be missing"] if one.missing else []
        if one.name in defaults:
            notes.append("absent: missing" if defaults[one.name] is None else f"absent: {defaults[one.name]!r}")
        table.add_row(Text(one.name), one.kind, Text("; ".join(notes)))
    stdout_console().print(table)
    if len(stored) > 1:
        click.echo()
        for version in stored:
            click.echo(_history_line(version))


def history_fields(one: StoredVersion) -> dict[str, Any]:
    """One version, JSON-able, by what made it."""
    return {
        "version": one.version.number,
        "base": one.base,
        "change": None if one.change is None else dict(one.change),
        "by": one.by,
        "at": one.at.isoformat(),
    }


def _history_line(one: StoredVersion) -> str:
    change, by = one.change, f" by {one.by}" if one.by else ""
    if change is None:
        what = f"{len(one.version.schema)} features, as loaded"
    elif "add" in change:
        what = f"{change['add']['name']} added"
    else:
        what = f"{change['retire']} retired" if "retire" in change else "renumbered"
    return f"version {one.version.number}  {one.at:%Y-%m-%d %H:%M:%S}  {what}{by}"


@schema.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), required=True, help="What its values are.")
@click.option("--missing", is_flag=True, help="Records may be without it: null.")
@click.option("--default", metavar="VALUE", help="The value of records that are older than the feature.")
@_reuse_option
@_timeout_option
@as_json_option
def add(
    *, name: str, kind: str, missing: bool, default: str | None, reuse_length: bool, timeout_s: float, as_json: bool
) -> None:
    """Add feature NAME, the last one of each record's list.

    Records without it are scored on with the default (with --missing and no --default they are missing it), and the
    live model ignores it. The next training uses it. The command waits until every worker reads records of the new
    version: producers may send them from then on. The exit code is 1 if that is not so in time.
    """
    feature = Feature(name, read_kind(kind), missing)
    value = _default_of(default, feature)
    _change(SchemaChange(feature, value, None, reuse_length), timeout_s=timeout_s, as_json=as_json)


def _default_of(given: str | None, feature: Feature) -> Value:
    if given is None:
        if not feature.missing:
            raise click.UsageError("--default is needed: the value of records without the feature; or --missing")
        return None
    if feature.kind != "number":
        return given
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise click.UsageError(f"--default {given[:40]!r} isn't a finite number, and {feature.name[:60]!r} is one")
    return value


@schema.command()
@click.argument("name")
@_reuse_option
@_timeout_option
@as_json_option
def retire(*, name: str, reuse_length: bool, timeout_s: float, as_json: bool) -> None:
    """Retire feature NAME: records may go on having it, and it is ignored.

    The live model scores as if it was missing. The next training is without it. Waits as `add` does.
    """
    _change(SchemaChange(retire=name, reuse_length=reuse_length), timeout_s=timeout_s, as_json=as_json)


def _change(change: SchemaChange, *, timeout_s: float, as_json: bool) -> None:
    try:
        read_change(change_fields(change))
    except BadMessage as exc:
        raise click.UsageError(exc.detail) from exc
    with progress("a command that was sent already goes on: `relearn schema show` lists the version") as on_state:
        found = asyncio.run(change_and_wait(load_settings(), change, timeout_s=timeout_s, on_state=on_state))
    if as_json:
        job = None if found.job is None else job_fields(found.job)
        behind = None if found.behind is None else list(found.behind)
        click.echo(json.dumps({"job": job, "version": found.version, "behind": behind}, indent=2))
    click.echo(_outcome(found, timeout_s), err=as_json or not found.done)
    if not found.done:
        sys.exit(1)


def _outcome(found: Changed, timeout_s: float) -> str:
    if found.job is None:
        return f"no worker took the command within {timeout_s:g} s: is a retrain worker up? (`relearn status`)"
    if found.version is None:
        return found.job.error or f"not done after {timeout_s:g} s; see `relearn job show {found.job.id}`"
    if found.behind is None:
        return f"version {found.version} is written; Redis is away, so what the workers know is unknown"
    if found.behind:
        return (
            f"version {found.version} is written, and after {timeout_s:g} s not known to {', '.join(found.behind)}: "
            "producers wait until GET /v1/workers has it as `schema` of each"
        )
    return f"version {found.version}: every worker reads it, producers may send it"
