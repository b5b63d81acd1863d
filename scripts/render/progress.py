"""A bar on stderr for what takes long: a spinner where there is no end, nothing where stderr is no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

OnProgress = Callable[[int], None]
"""Told how many are done by now."""


class _Rate(ProgressColumn):
    """How many a second, lately."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.1f} {self._unit}/s")


@contextmanager
def bar(total: int | None, unit: str) -> Iterator[OnProgress]:
    """A bar over `total` of a unit such as `records`, gone when it is done."""
    console = Console(stderr=True)
    endless = (SpinnerColumn(), TextColumn("{task.completed:,} " + unit), _Rate(unit))
    known = (BarColumn(), MofNCompleteColumn(), TextColumn(unit), _Rate(unit), TimeRemainingColumn())
    columns: tuple[ProgressColumn, ...] = endless if total is None else known
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as shown:
        task = shown.add_task(unit, total=total)
        yield lambda done: shown.update(task, completed=done)
