"""Options and output that verbs share: JSON, or tables and lines, on stdout; a file that is written whole or not."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

import click
from rich.console import Console
from rich.table import Table

from relearn.schemas.errors import BadFile, Refused
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


@contextmanager
def output_file(out: Path | None, *, binary: bool = False) -> Iterator[IO[Any]]:
    """stdout, or a file that is written atomically. If the reader of stdout goes away, the program exits silently.

    Raises:
        BadFile: the file can't be written.
    """
    if out is None:
        try:
            yield sys.stdout.buffer if binary else sys.stdout
            sys.stdout.flush()
        except BrokenPipeError:
            # Python would report the error again when it flushes the buffer at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        return
    target = out if out.exists() and not out.is_file() else out.with_name(f"{out.name}.part")
    try:
        with target.open("wb") if binary else target.open("w", encoding="utf-8", newline="") as file:
            yield file
        if target is not out:
            target.replace(out)
    except OSError as exc:
        raise BadFile(str(out), f"can't be written: {exc.strerror or exc}") from exc
    finally:
        if target is not out:
            target.unlink(missing_ok=True)


@contextmanager
def progress(on_interrupt: str) -> Iterator[Callable[[str], None]]:
    """A spinner with the latest state on a terminal, and a line per state elsewhere. Ctrl-C ends the wait alone.

    on_interrupt: what is printed then.
    """
    stderr = Console(stderr=True, highlight=False)
    try:
        if not stderr.is_terminal:
            yield stderr.print
            return
        with stderr.status("connecting") as status:
            yield status.update
    except KeyboardInterrupt:
        click.echo(on_interrupt, err=True)
        raise
