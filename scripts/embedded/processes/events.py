"""Events of the servers and their supervisor: `up` and `demo` print them, tests read them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "note",  # worth printing, such as a port that was taken
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
    """An event of the process `name`; `text` is one line to print."""

    kind: Kind
    name: str
    text: str
    done: int = 0
    total: int = 0


OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """An `OnEvent` that does nothing."""
