"""The clock of a worker in the fault suite: moved at its start and while it runs, the monotonic clock left alone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from relearn.scripts.dev.bench.faults.catalogue.moved_clock import MovedClock

_TOLD = """
import sys, time
for _ in sys.stdin:
    print(time.time(), time.time_ns() / 1e9, time.monotonic(), flush=True)
"""


def test_a_clock_is_moved_while_its_process_runs(tmp_path: Path) -> None:
    """Ahead, and back to the machine's."""
    clock = MovedClock(tmp_path / "clock")
    environment = {**os.environ, **clock.environment}
    with subprocess.Popen(
        [sys.executable, "-P", "-c", _TOLD], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for moved_s in (86_400.0, -86_400.0, 0.0):
            clock.move(moved_s)
            before = time.time(), time.monotonic()
            process.stdin.write("\n")
            process.stdin.flush()
            seconds, nanoseconds, monotonic = map(float, process.stdout.readline().split())
            after = time.time(), time.monotonic()
            assert before[0] <= seconds - moved_s <= after[0]
            assert before[0] <= nanoseconds - moved_s <= after[0]
            assert before[1] <= monotonic <= after[1]
        process.stdin.close()
