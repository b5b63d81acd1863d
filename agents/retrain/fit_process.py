"""The parent's side of one training process: start it, send its one task, end it. fit_main.py is the child's side."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import suppress

import psutil

from relearn.schemas.errors import TrainingDied

#: One thread for the libraries below numpy, so that training leaves a core to scoring.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
PROGRAM = "relearn.agents.retrain.fit_main"


class FitProcess:
    """A process that has finished its imports and waits for its task. It ends when this process ends."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._started_s = time.monotonic()

    @classmethod
    async def start(cls) -> FitProcess:
        """Start one. Cancelled, this leaves no process.

        Raises:
            TrainingDied: the process can't be started.
        """
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RELEARN_")}
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",  # the working directory may contain any module: don't import from it
                "-m",
                PROGRAM,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**environment, **_ONE_THREAD},
            )
        except OSError as exc:
            raise TrainingDied(f"the training process can't be started: {exc}") from exc
        return cls(process)

    @property
    def alive(self) -> bool:
        """Whether it runs. asyncio learns of an end a moment later than the system."""
        if self._process.returncode is not None:
            return False
        try:
            return bool(psutil.Process(self._process.pid).status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def age_s(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self._started_s

    async def answer(self, task: bytes) -> bytes:
        """The result of its task. A process takes one task.

        Raises:
            TrainingDied: it ended without an answer; its last words are in the message.
        """
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("started without pipes")
        # The stderr of a process that has ended has the reason.
        with suppress(ConnectionError):
            process.stdin.write(len(task).to_bytes(8) + task)
            await process.stdin.drain()
        # Its stdin stays open until it has ended.
        answer, words = await asyncio.gather(process.stdout.read(), self.last_words())
        if process.returncode == 0 and answer:
            return answer
        raise TrainingDied(f"the training process {words}")

    async def last_words(self) -> str:
        """Its exit code or signal, and the last line of its stderr, after its end."""
        if self._process.stderr is None:
            raise RuntimeError("started without pipes")
        said = (await self._process.stderr.read()).decode("utf-8", "replace").strip().splitlines()
        code = await self._process.wait()
        how = f"ended with {code}" if code >= 0 else f"was killed by signal {-code}"
        if code == -signal.SIGKILL:
            how += ", as by a system that is short of memory"
        return f"{how}: {said[-1][:300] if said else 'without a word'}"

    async def end(self) -> None:
        """End it and close its pipes. May be repeated."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await asyncio.shield(asyncio.ensure_future(self._process.wait()))
        if self._process.stdin is not None:
            self._process.stdin.close()
