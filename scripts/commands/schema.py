"""`relearn schema`: the features of the namespace's records."""

from __future__ import annotations

import json

import click
from rich.text import Text

from relearn.agents.stores.training.examples import read_numbered_schema
from relearn.schemas.errors import Refused
from relearn.schemas.features import schema_fields
from relearn.scripts.client.query import with_pool
from relearn.scripts.commands.output import as_json_option
from relearn.scripts.render.tables import plain_table, stdout_console


@click.group()
def schema() -> None:
    """Show the features that records have: the first training set decides."""


@schema.command()
@as_json_option
def show(*, as_json: bool) -> None:
    """Print each feature's name and kind, and whether it may be missing. The exit code is 2 before there are any."""
    found = with_pool(read_numbered_schema)
    if found is None:
        raise Refused("no examples were loaded yet, so no features are known: `relearn model train` loads the first")
    number, features = found
    if as_json:
        click.echo(json.dumps({"version": number, "features": schema_fields(features)}, indent=2, ensure_ascii=False))
        return
    table = plain_table("feature", "kind", "", flowing=("feature",))
    for one in features.features:
        table.add_row(Text(one.name), one.kind, "may be missing" if one.missing else "")
    stdout_console().print(table)
