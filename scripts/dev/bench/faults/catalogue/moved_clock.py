"""A worker's clock, moved while it runs: `time.time` and `time.time_ns` of its process differ by what a file holds.

libfaketime can't do that to a worker: librdkafka waits in `cnd_timedwait`, with deadlines by the clock that was moved,
and libfaketime leaves that function as it is. Then each such wait is endless, or none. The monotonic clock stays.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

_VARIABLE = "RELEARN_BENCH_CLOCK"
_HOOK = "from relearn.scripts.dev.bench.faults.catalogue.moved_clock import install\n\ninstall()\n"


class MovedClock:
    """The clock of every process that is started with `environment`. `directory` is its own."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        (directory / "sitecustomize.py").write_text(_HOOK)
        self._directory = directory
        self._file = directory / "seconds"
        self.move(0.0)

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables: Python imports `sitecustomize` before anything else."""
        former = os.environ.get("PYTHONPATH")
        path = os.pathsep.join([str(self._directory), *([former] if former else [])])
        return {"PYTHONPATH": path, _VARIABLE: str(self._file)}

    def move(self, seconds: float) -> None:
        """From now on the clock differs from that of the machine by this."""
        new = self._file.with_suffix(".new")
        new.write_text(str(seconds))
        new.replace(self._file)


def install() -> None:
    """Move the clock of this process, and move it again whenever the file changes."""
    file = os.environ[_VARIABLE]
    clock, clock_ns = time.time, time.time_ns

    def moved_s() -> float:
        with Path(file).open() as held:
            return float(held.read())

    time.time = lambda: clock() + moved_s()
    time.time_ns = lambda: clock_ns() + int(moved_s() * 1e9)
