"""The demo's story: a line for each step when it is done, and how long it took; meanwhile what is going on."""

from __future__ import annotations

import textwrap
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status
from rich.text import Text

from relearn.scripts.embedded.processes.events import Event

WIDTH = 80
#: A process that keeps dying isn't worth more lines than this; its log has the rest.
NOTED = 4
_STEP = 10
_TIME = 9


class Step:
    """A step that is under way; `done` is what its line will say."""

    def __init__(self, name: str, status: Status | None) -> None:
        self.done = ""
        self._name = name
        self._status = status

    def now(self, text: str) -> None:
        """What is going on at this moment; only a terminal shows it."""
        if self._status is not None:
            self._status.update(Text(f"{self._name:<{_STEP}}{text}", "dim"))


class Story:
    """Tells on stderr; everything fits 80 columns."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._step: Step | None = None
        self._fetched = -1
        self._noted: Counter[str] = Counter()

    @property
    def live(self) -> bool:
        """Whether someone looks at a terminal."""
        return self.console.is_terminal

    def say(self, text: str = "", style: str | None = None) -> None:
        """A line."""
        self.console.print(Text(text, style or ""))

    def note(self, name: str, text: str) -> None:
        """A line in the form of a step's, without a time."""
        self.console.print(Text.assemble((f"{name:<{_STEP}}", "bold"), text))

    @contextmanager
    def step(self, name: str, now: str) -> Iterator[Step]:
        """A step: `now` until it is done, then its line with the time that it took."""
        began = time.monotonic()
        if self.live:
            with self.console.status(Text(f"{name:<{_STEP}}{now}", "dim"), spinner="dots") as status:
                yield from self._telling(name, status)
        else:
            yield from self._telling(name, None)
        assert self._step is not None
        took = f"{time.monotonic() - began:.1f} s"
        done = self._step.done or now
        self.console.print(
            Text.assemble((f"{name:<{_STEP}}", "bold"), f"{done:<{WIDTH - _STEP - _TIME}}", (f"{took:>{_TIME}}", "dim"))
        )
        self._step = None

    def _telling(self, name: str, status: Status | None) -> Iterator[Step]:
        self._step = Step(name, status)
        yield self._step

    def tell(self, name: str, text: str, at_s: float, style: str = "") -> None:
        """What happened in the midst of the stream, so many seconds after it began; long text takes more lines."""
        for line in told(name, text, at_s, style):
            self.console.print(line)

    def event(self, event: Event) -> None:
        """What the servers and workers have to say: only what a person should know becomes a line."""
        if event.kind in {"died", "note", "restarted"}:
            self._noted[event.name] += 1
            if self._noted[event.name] > NOTED:
                return
            for line in textwrap.wrap(f"{event.name}: {event.text}", WIDTH - _STEP):
                self.say(f"{'':<{_STEP}}{line}", "yellow")
        elif event.kind == "fetching" and not self.live:
            self._fetching(event)
        elif self._step is not None:
            progress = f" {event.done} of {event.total}" if event.total else ""
            self._step.now(f"{event.name}: {event.text}{progress}")

    def _fetching(self, event: Event) -> None:
        """Without a terminal: a line for each quarter."""
        quarter = 4 * event.done // max(1, event.total)
        if quarter != self._fetched:
            self._fetched = quarter
            self.say(f"{'':<{_STEP}}{event.name}: {event.text}: {event.done} of {event.total}", "dim")


def told(name: str, text: str, at_s: float, style: str = "") -> list[Text]:
    """What happened, in lines of 80 columns; the first has the time in seconds."""
    first, *rest = textwrap.wrap(text, WIDTH - _STEP - _TIME) or [""]
    room, at = WIDTH - _STEP - _TIME, f"{at_s:.0f} s"
    head = Text.assemble((f"{name:<{_STEP}}", "bold"), (f"{first:<{room}}", style), (f"{at:>{_TIME}}", "dim"))
    return [head, *(Text(f"{'':<{_STEP}}{line}", style) for line in rest)]
