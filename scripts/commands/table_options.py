"""The options of every command that reads a table."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from relearn.scripts.data.table_options import TableOptions


def table_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options for the columns of a file; the command gets them as `table`."""

    @click.option("--drop", multiple=True, metavar="COLUMN", help="Leave a column out, by name or by number from 1.")
    @click.option("--decimal-comma", is_flag=True, help="Numbers in the file are written as 1,5.")
    @wraps(command)
    def wrapped(*args: Any, drop: tuple[str, ...], decimal_comma: bool, **given: Any) -> Any:
        return command(*args, table=TableOptions(drop, decimal_comma), **given)

    return wrapped
