"""The demo's output on stderr: one line per step with its duration, and reports while it streams."""

from __future__ import annotations

import textwrap
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.status import Status
from rich.text import Text

from relearn.scripts.embedded.processes.events import Event

WIDTH = 80
#: Maximum lines about one process that keeps ending; its log has the rest.
NOTED = 4
_STEP = 10
_TIME = 9


class Report(Protocol):
    """Prints a line about something that happened during the stream."""

    def __call__(self, name: str, text: str, style: str = ...) -> None:
        """`name`: the kind of line."""


class Step:
    """A step in progress; `done` is the text of its line."""

    def __init__(self, name: str, status: Status | None) -> None:
        self.done = ""
        self._name = name
        self._status = status

    def now(self, text: str) -> None:
        """Show the current activity; only on a terminal."""
        if self._status is not None:
            self._status.update(Text(f"{self._name:<{_STEP}}{text}", "dim"))


class DemoConsole:
    """Prints to stderr; every line fits 80 columns."""

    def __init__(self) -> None:
        self.rich = Console(stderr=True, highlight=False, soft_wrap=True)
        self._step: Step | None = None
        self._fetched = -1
        self._noted: Counter[str] = Counter()

    @property
    def live(self) -> bool:
        """Whether stderr is a terminal."""
        return self.rich.is_terminal

    def print(self, text: str = "", style: str | None = None) -> None:
        """Print a line."""
        self.rich.print(Text(text, style or ""))

    def note(self, name: str, text: str) -> None:
        """Print a line in the form of a step's, without a duration."""
        self.rich.print(Text.assemble((f"{name:<{_STEP}}", "bold"), text))

    @contextmanager
    def step(self, name: str, now: str) -> Iterator[Step]:
        """Show `now` during the block, then print the step's line with its duration."""
        began = time.monotonic()
        if self.live:
            with self.rich.status(Text(f"{name:<{_STEP}}{now}", "dim"), spinner="dots") as status:
                yield from self._stepping(name, status)
        else:
            yield from self._stepping(name, None)
        assert self._step is not None
        took = f"{time.monotonic() - began:.1f} s"
        done = self._step.done or now
        self.rich.print(
            Text.assemble((f"{name:<{_STEP}}", "bold"), f"{done:<{WIDTH - _STEP - _TIME}}", (f"{took:>{_TIME}}", "dim"))
        )
        self._step = None

    def _stepping(self, name: str, status: Status | None) -> Iterator[Step]:
        self._step = Step(name, status)
        yield self._step

    def report(self, name: str, text: str, at_s: float, style: str = "") -> None:
        """Print what happened `at_s` seconds after the stream began; long text takes more lines."""
        for line in report_lines(name, text, at_s, style):
            self.rich.print(line)

    def on_event(self, event: Event) -> None:
        """An event of servers and workers: deaths, restarts and notes are printed, the rest is the step's activity."""
        if event.kind in {"died", "note", "restarted"}:
            self._noted[event.name] += 1
            if self._noted[event.name] > NOTED:
                return
            for line in textwrap.wrap(f"{event.name}: {event.text}", WIDTH - _STEP):
                self.print(f"{'':<{_STEP}}{line}", "yellow")
        elif event.kind == "fetching" and not self.live:
            self._fetching(event)
        elif self._step is not None:
            progress = f" {event.done} of {event.total}" if event.total else ""
            self._step.now(f"{event.name}: {event.text}{progress}")

    def _fetching(self, event: Event) -> None:
        """Without a terminal: print a line for each quarter."""
        quarter = 4 * event.done // max(1, event.total)
        if quarter != self._fetched:
            self._fetched = quarter
            self.print(f"{'':<{_STEP}}{event.name}: {event.text}: {event.done} of {event.total}", "dim")


def report_lines(name: str, text: str, at_s: float, style: str = "") -> list[Text]:
    """Lines of 80 columns; the first has the time in seconds."""
    first, *rest = textwrap.wrap(text, WIDTH - _STEP - _TIME) or [""]
    room, at = WIDTH - _STEP - _TIME, f"{at_s:.0f} s"
    head = Text.assemble((f"{name:<{_STEP}}", "bold"), (f"{first:<{room}}", style), (f"{at:>{_TIME}}", "dim"))
    return [head, *(Text(f"{'':<{_STEP}}{line}", style) for line in rest)]
