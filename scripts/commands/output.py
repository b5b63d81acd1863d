"""Options and output that `list` and `show` verbs share: JSON, or tables and lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import click
from rich.table import Table

from relearn.schemas.errors import Refused
from relearn.schemas.identity import INT32_MAX
from relearn.scripts.render.tables import stdout_console

T = TypeVar("T")

as_json_option = click.option("--json", "as_json", is_flag=True, help="As JSON.")
limit_option = click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
version_argument = click.argument("version", type=click.IntRange(1, INT32_MAX))


def show_list(
    found: Sequence[T],
    *,
    fields: Callable[[T], dict[str, Any]],
    table: Callable[[Sequence[T]], Table],
    nothing: str,
    as_json: bool,
) -> None:
    """Print the rows as JSON or as a table; prints `nothing` to stderr if there are none."""
    if as_json:
        click.echo(json.dumps([fields(one) for one in found], indent=2))
    elif found:
        stdout_console().print(table(found))
    else:
        click.echo(nothing, err=True)


def show_one(
    found: T | None,
    *,
    fields: Callable[[T], dict[str, Any]],
    lines: Callable[[T], Iterable[str]],
    nothing: str,
    as_json: bool,
) -> None:
    """Print one row as JSON or as lines.

    Raises:
        Refused: there is no row; the message is `nothing`.
    """
    if found is None:
        raise Refused(nothing)
    if as_json:
        click.echo(json.dumps(fields(found), indent=2))
    else:
        for line in lines(found):
            click.echo(line)
