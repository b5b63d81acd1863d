"""A progress bar on stderr: a spinner if the total is unknown, nothing if stderr is no terminal."""

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
"""Called with the number done so far."""


class _Rate(ProgressColumn):
    """Recent units per second."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.1f} {self._unit}/s")


@contextmanager
def bar(total: int | None, unit: str) -> Iterator[OnProgress]:
    """A bar over `total` of a unit such as `records`, removed at the end."""
    console = Console(stderr=True)
    endless = (SpinnerColumn(), TextColumn("{task.completed:,} " + unit), _Rate(unit))
    known = (BarColumn(), MofNCompleteColumn(), TextColumn(unit), _Rate(unit), TimeRemainingColumn())
    columns: tuple[ProgressColumn, ...] = endless if total is None else known
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as shown:
        task = shown.add_task(unit, total=total)
        yield lambda done: shown.update(task, completed=done)
