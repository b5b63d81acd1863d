"""A log has one event on each line, whichever thread and whichever library it is from."""

from __future__ import annotations

import subprocess
import sys

#: A stream that is interrupted by another thread after the first thing that is written to it.
_TWO_THREADS = """
import io, logging, sys, threading
import structlog
from relearn.agents.worker.logging import set_up_logging

class Interrupted(io.StringIO):
    interrupted = False

    def write(self, text):
        super().write(text)
        if not self.interrupted:
            self.interrupted = True
            other = threading.Thread(target=logging.getLogger("aiokafka").warning, args=["of a library"])
            other.start()
            other.join()

sys.stderr = Interrupted()
set_up_logging("info")
structlog.get_logger().info("ours")
print(sys.stderr.getvalue(), end="")
"""


def test_two_threads_that_log_at_once_write_a_line_each() -> None:
    """A reader that splits a log by lines would lose both events."""
    ended = subprocess.run([sys.executable, "-c", _TWO_THREADS], capture_output=True, text=True, timeout=60, check=True)
    ours, library = ended.stdout.splitlines()
    assert ours.endswith("event=ours")
    assert 'event="of a library"' in library
