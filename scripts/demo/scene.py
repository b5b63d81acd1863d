"""What an act of the demo plays with: the stream, its watch, the reviewer, what policy and drift watch say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from relearn.agents.stores.training.models import ModelRow
from relearn.scripts.demo.drift import Drifts
from relearn.scripts.demo.reviewing import ERROR, Answering
from relearn.scripts.demo.running import Running
from relearn.scripts.demo.screen import Learning, percent
from relearn.scripts.demo.setting import Parts
from relearn.scripts.demo.shift import Shift
from relearn.scripts.demo.verdict import Retrains
from relearn.scripts.demo.words import Tell, so_far

#: The first new champion has learned from a hundred reviews, the next from some hundreds.
CHAMPIONS = 2
#: A shadow that comes after a new champion is waited for so long.
SHADOW_S = 20.0
#: After the last swap it goes on for so long, so that one sees what has become of the answers.
AFTER_S = 5.0
_LOOK_EVERY_S = 0.1


@dataclass
class Scene:
    """Everything that goes on. `champion`: as it was in the beginning."""

    parts: Parts
    shift: Shift | None
    running: Running
    answering: Answering
    retrains: Retrains
    drifts: Drifts
    tell: Tell
    champion: ModelRow

    @property
    def versions(self) -> Sequence[int]:
        """All champions of this run."""
        return [self.champion.version, *self.retrains.promoted]

    @property
    def taught(self) -> bool:
        """Whether the champion of the beginning had learned from reviews: there may be nothing left that is better."""
        return (self.champion.reason or {}).get("trigger") != "bootstrap"

    @property
    def seen(self) -> int:
        """Records that have become rows."""
        return self.running.watch.accuracy.seen

    @property
    def lately(self) -> float | None:
        """The share of right answers over the last records."""
        return self.running.watch.accuracy.recent

    def learning(self) -> Learning:
        """For the figures."""
        mouth = self.answering.mouth
        pace = self.answering.rate if self.answering.at_work else None
        return Learning(mouth.sender.sent, mouth.corrections, pace, self.retrains.words)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition, however long."""
        while True:
            if condition():
                return
            await asyncio.sleep(_LOOK_EVERY_S)

    async def until_seen(self, records: int) -> None:
        """Wait until so many more records have become rows."""
        wanted = self.seen + records
        await self.until(lambda: self.seen >= wanted)

    def review(self, rate: float) -> None:
        """Let the reviewer begin, and say how."""
        self.answering.start(rate)
        share = self.answering.person.audit_share
        wrong = f"one answer in {round(1 / ERROR)} is wrong on purpose"
        self.tell("review", f"{rate:g} answers per second: {share:.0%} at random, else the least certain; {wrong}")

    async def until_learned(self, trainings: int) -> None:
        """Wait until two new champions were served, or one and so many verdicts came, and then a little.

        A shadow's verdict may take many reviews, where they are of little that it wasn't trained on. And where a
        champion was taught in an earlier run, verdicts against its challengers are a story too.
        """
        await self.until(lambda: self._learned(trainings))
        await self.answering.stop()
        await asyncio.sleep(AFTER_S)
        last = self.retrains.last
        if last is not None and last.state == "shadow":
            self.tell("shadow", so_far(last), "yellow")
        self.tell("answers", f"{percent(self.lately)} of the last ones are right")

    def _learned(self, trainings: int) -> bool:
        served, shadow_s = self.retrains.served, self.retrains.shadow_s
        waited = shadow_s is not None and time.monotonic() - shadow_s > SHADOW_S
        enough = waited or self.retrains.judged >= trainings
        return served >= CHAMPIONS or (enough and (served >= 1 or self.taught))


Act = Callable[[Scene], Awaitable[None]]


async def play(scene: Scene, act: Act, bound_s: float) -> None:
    """Play an act until its end or its bound; then the stream ends and the reviewer is silent."""
    try:
        async with asyncio.timeout(bound_s) as bound:
            await act(scene)
    except TimeoutError:
        if not bound.expired():
            raise
        scene.tell("bound", f"{bound_s:g} s are over: it ends here")
    finally:
        scene.running.stream.end()
        await scene.answering.stop()
