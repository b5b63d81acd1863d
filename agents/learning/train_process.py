"""The training process: reads one task on standard input, answers on standard output, and ends.

    parent ── length, task ──▶ stdin      stdout ── answer ──▶ parent

The parent keeps standard input open; when it ends, whoever waits for the answer is gone, and so is this process.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from io import RawIOBase

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
    with os.fdopen(os.dup(0), "rb", buffering=0) as tasks:
        task = _exactly(tasks, int.from_bytes(_exactly(tasks, 8)))
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    answers.write(_answer(task))
    answers.close()
    return 0


def _exactly(source: RawIOBase, size_bytes: int) -> bytes:
    parts: list[bytes] = []
    while size_bytes > 0:
        part = source.read(min(size_bytes, 1 << 20))
        if not part:
            sys.exit(ORPHANED)
        parts.append(part)
        size_bytes -= len(part)
    return b"".join(parts)


def _answer(task: bytes) -> bytes:
    from agents.learning.fit import fit  # noqa: PLC0415 - scikit-learn takes a second, and the parent may be gone
    from agents.learning.fitted import decode_task, encode_answer  # noqa: PLC0415
    from schemas.errors import Refused  # noqa: PLC0415

    try:
        return encode_answer(fit(*decode_task(task)))
    except Refused as exc:
        return encode_answer(exc)


def _end_with_the_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(ORPHANED)


if __name__ == "__main__":
    sys.exit(main())
