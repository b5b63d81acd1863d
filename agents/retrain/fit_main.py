"""The training process: imports what it needs, reads one task on standard input, answers on standard output, and ends.

    parent ── length, task ──▶ stdin      stdout ── answer ──▶ parent

The parent keeps standard input open; when it ends, whoever waits for the answer is gone, and so is this process.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from queue import SimpleQueue

#: Scoring goes first.
NICENESS = 10
ORPHANED = 3


def main() -> int:
    """Run; the exit code is 0 also where the answer is why nothing can be learned."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to decide upon
    os.nice(NICENESS)
    # What a library prints must not end up in the answer.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    tasks: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read, args=(tasks,), daemon=True).start()
    # scikit-learn takes a second: it is there before there is a task.
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
    """Hand on the task, and end this process when the parent does: at any moment, this thread waits for both."""
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
