"""Tables on stdout: words are not broken on a terminal, nor lines in a pipe."""

from __future__ import annotations

from collections.abc import Collection

from rich.console import Console
from rich.table import Table

#: Columns of a line that goes to no terminal.
PIPE_WIDTH = 240


def stdout_console() -> Console:
    """A console on stdout; in a pipe or a file, lines are not broken at 80 columns."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPE_WIDTH)


def plain_table(*columns: str, flowing: Collection[str] = ()) -> Table:
    """A table without rules. Only the columns in `flowing` may break words."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column not in flowing, overflow="fold")
    return table
