"""Events as lines on stderr, with a progress bar for downloads."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from relearn.scripts.embedded.processes.events import Event

STYLES = {"note": "yellow", "died": "red", "ready": "green", "restarted": "green"}


class Report:
    """An `OnEvent` that prints. Without a terminal: plain lines, and only the start and end of a download."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._progress: Progress | None = None
        self._task = TaskID(0)

    def __call__(self, event: Event) -> None:
        if event.kind == "fetching":
            self._fetching(event)
        else:
            style = STYLES.get(event.kind, "dim")
            self.console.print(f"{event.name:<10} {event.text}", style=style, markup=False)

    def _fetching(self, event: Event) -> None:
        if not self.console.is_terminal:
            if event.done in (0, event.total):
                self.console.print(f"{event.name:<10} {event.text}: {event.done} of {event.total}", markup=False)
            return
        if self._progress is None:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
            self._progress = Progress(*columns, console=self.console, transient=True)
            self._task = self._progress.add_task(f"{event.name:<10} {event.text}", total=event.total)
            self._progress.start()
        self._progress.update(self._task, completed=event.done)
        if event.done >= event.total:
            self.close()

    def close(self) -> None:
        """Remove the progress bar, if any."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
