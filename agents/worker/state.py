"""What one worker process knows of itself: its role, its stage, its progress and its live model."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import NamedTuple

import psutil

from relearn.agents.availability.notices import Notices
from relearn.agents.models.live import LiveModel


class ProcessMark(NamedTuple):
    """What identifies a process: its machine, its number there, and the time of its start."""

    host: str
    pid: int
    started: float


def own_process() -> ProcessMark:
    """This process."""
    own = psutil.Process()
    return ProcessMark(socket.gethostname(), own.pid, own.create_time())


@dataclass(slots=True)
class WorkerState:
    """The state that heartbeats, the watchdog and readiness read. Its counts only rise.

    `records` are processed records, `skipped` messages without one (tombstones), `unseen` levels that the model doesn't
    know, `ignored` values of features that were retired, `steps` everything that is progress: records, chunks, parts
    of a chunk.
    """

    id: str
    role: str
    stage: str = "starting"
    records: int = 0
    skipped: int = 0
    unseen: int = 0
    ignored: int = 0
    steps: int = 0
    live: LiveModel | None = None
    notices: Notices = field(default_factory=Notices)
    #: Entered while the worker waits.
    waiting: Callable[[], AbstractContextManager[None]] = nullcontext
    _meanwhile: list[str] = field(default_factory=list)

    @property
    def condition(self) -> str:
        """For people: what the worker waits for at this moment, else its stage."""
        return self._meanwhile[-1] if self._meanwhile else self.stage

    def progressed(self) -> None:
        """A part of the work in hand is done."""
        self.steps += 1

    @contextmanager
    def meanwhile(self, text: str) -> Iterator[None]:
        """`text` is the condition while the block runs, however the block ends. Blocks may overlap."""
        self._meanwhile.append(text)
        try:
            with self.waiting():
                yield
        finally:
            self._meanwhile.remove(text)
