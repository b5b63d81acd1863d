"""The training process: it reads one task on stdin, writes the result to stdout, and ends.

    parent ── length, task ──▶ stdin      stdout ── answer ──▶ parent

The parent keeps stdin open. When the parent ends, this process ends, too.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from queue import SimpleQueue

#: Scoring has priority.
NICENESS = 10
ORPHANED = 3


def main() -> int:
    """Run one task. The exit code is 0 for a refusal, too: a refusal is a result."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    os.nice(NICENESS)
    # Text that a library prints must not become part of the result.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    tasks: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read, args=(tasks,), daemon=True).start()
    # Done before the task arrives.
    from relearn.agents.learning.fit import fit  # noqa: PLC0415
    from relearn.agents.learning.fit_messages import decode_task, encode_answer  # noqa: PLC0415
    from relearn.schemas.errors import Refused  # noqa: PLC0415

    try:
        answer = encode_answer(fit(decode_task(tasks.get())))
    except Refused as exc:
        answer = encode_answer(exc)
    answers.write(answer)
    answers.close()
    return 0


def _read(tasks: SimpleQueue[bytes]) -> None:
    """Queue the task, then wait for the end of the parent, which ends this process."""
    tasks.put(_exactly(int.from_bytes(_exactly(8))))
    while os.read(0, 4096):
        pass
    os._exit(ORPHANED)


def _exactly(size_bytes: int) -> bytes:
    parts: list[bytes] = []
    while size_bytes > 0:
        part = os.read(0, min(size_bytes, 1 << 20))
        if not part:
            os._exit(ORPHANED)
        parts.append(part)
        size_bytes -= len(part)
    return b"".join(parts)


if __name__ == "__main__":
    sys.exit(main())
