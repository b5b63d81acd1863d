"""Training in child processes, so that the process that executes commands stays responsive.

    stand_by ─▶ a process that has imported all it needs, and waits ─▶ train: its one task ─▶ its end

One task per process: no state of a training can leak into the next. A training ends after TIMEOUT_S at the latest.
"""

from __future__ import annotations

import asyncio
import time

import structlog

from relearn.agents.availability.backoff import Backoff
from relearn.agents.learning.fit_messages import decode_answer, encode_task
from relearn.agents.learning.fitted_model import Fitted
from relearn.agents.learning.training_set import TrainingSet
from relearn.agents.retrain.fit_process import FitProcess
from relearn.schemas.errors import RelearnError, TrainingDied

log = structlog.get_logger()

#: Whatever takes longer than this hangs, and would keep every later training waiting.
TIMEOUT_S = 3600.0
#: Age at which a waiting process is replaced, so that its environment and imports don't grow older.
WAITS_AT_MOST_S = 3600.0
#: The first and the longest pause before the next process is started, after processes that died while they waited.
FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 64.0


class FitRunner:
    """Trains, one after the other, and in between keeps a process ready for the next training."""

    def __init__(self) -> None:
        self._waiting: FitProcess | None = None
        self._backoff = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._not_before_s = 0.0  # time.monotonic()

    async def stand_by(self) -> None:
        """See to it that a process waits for the next training; to be called again and again. Failures are logged.

        It takes a second of a processor: call it when nothing more urgent goes on.
        """
        if self._waiting is not None and not self._waiting.alive:
            self._note_death(await self._waiting.last_words())
        if self._waiting is not None and not _usable(self._waiting):
            await self.dismiss()
        if self._waiting is None and time.monotonic() >= self._not_before_s:
            try:
                self._waiting = await FitProcess.start()
            except TrainingDied as exc:
                self._note_death(str(exc))

    async def dismiss(self) -> None:
        """End the process that waits, if there is one."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            await waiting.end()

    async def train(self, examples: TrainingSet) -> Fitted:
        """The model of `examples`. May be repeated; cancelled, it leaves no process.

        Raises:
            Refused: nothing can be learned from them, and why.
            TrainingDied: the process ended without an answer; its last words are in the message.
            RelearnError: it ran for an hour, or its answer can't be read.
        """
        process = await self._process()
        log.debug("training_process_taken", pid=process.pid, examples=len(examples))
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answer = await process.answer(encode_task(examples))
        except TimeoutError as exc:
            raise RelearnError(f"the training process was ended after {TIMEOUT_S:g} s") from exc
        finally:
            await process.end()
        self._backoff.reset()
        try:
            return decode_answer(answer)
        except ValueError as exc:
            raise RelearnError(f"the training process gave an answer that can't be read: {exc}") from exc

    async def _process(self) -> FitProcess:
        """The one that waits, which waits no longer; where there is none that can be used, a new one."""
        if self._waiting is not None and _usable(self._waiting):
            process, self._waiting = self._waiting, None
            return process
        await self.dismiss()
        return await FitProcess.start()

    def _note_death(self, how: str) -> None:
        pause_s = self._backoff.next_s()
        self._not_before_s = time.monotonic() + pause_s
        log.warning("training_process_died", how=how, again_after_s=round(pause_s, 1))


def _usable(process: FitProcess) -> bool:
    return process.alive and process.age_s < WAITS_AT_MOST_S
