"""`relearn examples`: the loads of labelled examples, and withdrawing them."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click
from rich.table import Table

from relearn.agents.stores.training.loads import Load, list_loads, load_fields, withdraw_loads
from relearn.scripts.client.query import with_pool
from relearn.scripts.client.send_and_wait import person
from relearn.scripts.commands.output import as_json_option, limit_option, show_list
from relearn.scripts.render.figures import moment
from relearn.scripts.render.tables import plain_table


@click.group()
def examples() -> None:
    """List and withdraw loads of labelled examples. `relearn model train` loads them."""


@examples.command("list")
@limit_option
@as_json_option
def list_(limit: int, as_json: bool) -> None:
    """List loads, the newest first: the source, its rows, how many were new, and how many count today."""
    found = with_pool(lambda pool: list_loads(pool, limit))
    show_list(found, fields=load_fields, table=_table, nothing="no examples were loaded", as_json=as_json)


@examples.command()
@click.argument("load", metavar="LOAD|SOURCE")
@as_json_option
def withdraw(load: str, as_json: bool) -> None:
    """Withdraw a load by its number, or all loads of a source.

    No model is trained on withdrawn examples again; lineage of earlier models keeps them. Examples that another load
    has too still count. When all examples are withdrawn, the next load may have other features.
    """
    done = with_pool(lambda pool: withdraw_loads(pool, load, by=person()))
    if as_json:
        click.echo(json.dumps({"loads": done.loads, "examples": done.examples, "left": done.left}, indent=2))
    else:
        which = "load " + ", ".join(map(str, done.loads))
        click.echo(f"{which}: {done.examples} examples are withdrawn, {done.left} are left", err=True)


def _table(loads: Sequence[Load]) -> Table:
    table = plain_table("load", "source", "loaded", "by", "rows", "new", "count today", "withdrawn", flowing=["source"])
    for one in loads:
        table.add_row(
            str(one.id),
            one.source,
            moment(one.at),
            one.by or "",
            str(one.rows),
            str(one.added),
            str(one.counting),
            "" if one.withdrawn_at is None else moment(one.withdrawn_at),
        )
    return table
