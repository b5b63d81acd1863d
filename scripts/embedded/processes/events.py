"""What the servers and their supervisor have to say. `up` prints it, `demo` makes a story of it, tests read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "note",  # something a person should know, such as a port that was taken
    "fetching",  # done of total
    "making",  # a data directory, made once
    "starting",
    "ready",
    "died",
    "restarted",
    "stopping",
    "stopped",
]


@dataclass(frozen=True)
class Event:
    """One thing that happened to `name`; `text` is a line for a person."""

    kind: Kind
    name: str
    text: str
    done: int = 0
    total: int = 0


OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """An `OnEvent` for those who don't care."""
