"""A process that can't go on ends, whatever still waits in it."""

from __future__ import annotations

import subprocess
import sys

_HANGS = """
import asyncio
from relearn.agents.worker import shutdown

shutdown.GRACE_S = 0.1

class Hangs:
    async def crash(self, exc):
        await asyncio.Event().wait()

asyncio.run(shutdown.crash(Hangs(), RuntimeError("out of words"), records=3))
"""


def test_a_process_whose_app_never_finishes_stopping_ends_all_the_same() -> None:
    """Faust waits for parts that are gone; the supervisor waits for an exit code."""
    ended = subprocess.run([sys.executable, "-c", _HANGS], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "out of words" in ended.stdout + ended.stderr
    assert "crashed" in ended.stdout + ended.stderr
