"""Training in a process of its own: scikit-learn never enters the one that answers commands."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress

from agents.learning.examples import TrainingSet
from agents.learning.fitted import NOBODY, Fitted, Judged, decode_answer, encode_task
from schemas.errors import RelearnError

#: Libraries below numpy and scikit-learn use one thread: training may take longer, scoring goes on undisturbed.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
#: Whatever takes longer than this hangs, and would keep every later training waiting.
TIMEOUT_S = 3600.0
_PROGRAM = "agents.learning.train_process"


async def train(examples: TrainingSet, judged: Judged = NOBODY) -> Fitted:
    """The model of `examples`, with its answers to the judged. May be repeated; cancelled, it leaves no process behind.

    Raises:
        Refused: nothing can be learned from them, and why.
        RelearnError: the process ended without an answer (its last words are in the message), or ran for an hour.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RELEARN_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # the working directory, which may hold anything, is no place to import from
        "-m",
        _PROGRAM,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**environment, **_ONE_THREAD},
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            answer, words = await _converse(process, encode_task(examples, judged))
            code = await process.wait()
    except TimeoutError as exc:
        raise RelearnError(f"the training process was ended after {TIMEOUT_S:g} s") from exc
    finally:
        await _end(process)
    if code != 0 or not answer:
        said = words.decode("utf-8", "replace").strip().splitlines()
        raise RelearnError(f"the training process ended with {code}: {said[-1][:300] if said else 'without a word'}")
    try:
        return decode_answer(answer)
    except ValueError as exc:
        raise RelearnError(f"the training process gave an answer that can't be read: {exc}") from exc


async def _converse(process: asyncio.subprocess.Process, task: bytes) -> tuple[bytes, bytes]:
    """Everything that it writes to standard output and standard error; its input stays open until then."""
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise RuntimeError("started without pipes")
    reading = asyncio.gather(process.stdout.read(), process.stderr.read())
    try:
        # A process that died already says why on standard error.
        with suppress(ConnectionError):
            process.stdin.write(len(task).to_bytes(8) + task)
            await process.stdin.drain()
        answer, words = await reading
    finally:
        reading.cancel()
    return answer, words


async def _end(process: asyncio.subprocess.Process) -> None:
    """Make sure that it is gone, and its pipes closed."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        await asyncio.shield(asyncio.ensure_future(process.wait()))
    if process.stdin is not None:
        process.stdin.close()
