"""The two scenarios, learning and drifting, and the run that they act on: stream, reviewer, trainings and drift."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from relearn.agents.stores.training.models import ModelRow
from relearn.scripts.demo.display.console import Report
from relearn.scripts.demo.display.figures import Learning, percent
from relearn.scripts.demo.monitor import Monitor
from relearn.scripts.demo.options import DataParts
from relearn.scripts.demo.traffic.reviewer import ERROR, DemoReviewer
from relearn.scripts.demo.traffic.shift import Shift
from relearn.scripts.demo.watch.drift import DriftWatch
from relearn.scripts.demo.watch.retrains import RetrainWatch, shadow_text

#: The number of records after which the first champion's errors are reported.
FIRST_RECORDS = 2000
#: The number of records after the shift whose accuracy is reported.
SHIFTED_RECORDS = 500
REVIEWS_PER_S = 20.0
#: Reviews made before the shift are few: drift is then found before there are labels enough to train.
BEFORE_SHIFT_S = 2.0
#: New champions to wait for. The first has learned from a hundred reviews, the next from some hundreds.
CHAMPIONS = 2
#: Verdicts to wait for if fewer champions come. After a shift, the first new champion is good already.
TRAININGS, TRAININGS_SHIFTED = 3, 2
#: Maximum wait for the verdict on a shadow.
SHADOW_S = 20.0
#: The stream goes on after the last swap, so that the new champion's accuracy shows.
AFTER_S = 5.0
_LOOK_EVERY_S = 0.1


@dataclass
class DemoRun:
    """Everything that runs. `champion`: the model that answers when the stream starts."""

    parts: DataParts
    shift: Shift | None
    monitor: Monitor
    reviewer: DemoReviewer
    retrains: RetrainWatch
    drift: DriftWatch
    report: Report
    champion: ModelRow

    @property
    def versions(self) -> Sequence[int]:
        """All champions of this run."""
        return [self.champion.version, *self.retrains.promoted]

    @property
    def started_taught(self) -> bool:
        """Whether the first champion had already learned from reviews: then there may be no better model."""
        return (self.champion.reason or {}).get("trigger") != "bootstrap"

    @property
    def seen(self) -> int:
        """Records that have become rows."""
        return self.monitor.rows.accuracy.seen

    @property
    def recent_accuracy(self) -> float | None:
        """The share of right answers over the last records."""
        return self.monitor.rows.accuracy.recent

    def learning(self) -> Learning:
        """The figures of reviews and policy."""
        feedback = self.reviewer.feedback
        rate = self.reviewer.rate if self.reviewer.at_work else None
        return Learning(feedback.sender.sent, feedback.corrections, rate, self.retrains.policy)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition, without a limit."""
        while True:
            if condition():
                return
            await asyncio.sleep(_LOOK_EVERY_S)

    async def until_seen(self, records: int) -> None:
        """Wait until `records` more records have become rows."""
        wanted = self.seen + records
        await self.until(lambda: self.seen >= wanted)

    def review(self, rate: float) -> None:
        """Start the reviewer, and report how it chooses."""
        self.reviewer.start(rate)
        share = self.reviewer.reviewer.audit_share
        wrong = f"one answer in {round(1 / ERROR)} is wrong on purpose"
        self.report("review", f"{rate:g} answers per second: {share:.0%} at random, else the least certain; {wrong}")

    async def until_learned(self, trainings: int) -> None:
        """Wait until two new champions were served, or one and `trainings` verdicts came; then stop the reviewer.

        The verdict on a shadow may take many reviews, if few of them are of records that it wasn't trained on. If the
        first champion had learned in an earlier run, verdicts against its challengers are enough.
        """
        await self.until(lambda: self._learned(trainings))
        await self.reviewer.stop()
        await asyncio.sleep(AFTER_S)
        last = self.retrains.last
        if last is not None and last.state == "shadow":
            self.report("shadow", shadow_text(last), "yellow")
        self.report("answers", f"{percent(self.recent_accuracy)} of the last ones are right")

    def report_errors(self) -> None:
        """Report the share of right answers so far."""
        accuracy = self.monitor.rows.accuracy
        wrong = accuracy.seen - accuracy.right
        text = f"{percent(accuracy.overall)} are right: {wrong:,} of the first {accuracy.seen:,} are wrong"
        self.report("answers", text)

    def _learned(self, trainings: int) -> bool:
        served, shadow_s = self.retrains.served, self.retrains.shadow_s
        waited = shadow_s is not None and time.monotonic() - shadow_s > SHADOW_S
        enough = waited or self.retrains.judged >= trainings
        return served >= CHAMPIONS or (enough and (served >= 1 or self.started_taught))


Scenario = Callable[[DemoRun], Awaitable[None]]


async def run_scenario(run: DemoRun, scenario: Scenario, limit_s: float) -> None:
    """Run a scenario to its end or for `limit_s`; then end the stream and stop the reviewer."""
    try:
        async with asyncio.timeout(limit_s) as limit:
            await scenario(run)
    except TimeoutError:
        if not limit.expired():
            raise
        run.report("limit", f"{limit_s:g} s are over: the stream ends here")
    finally:
        run.monitor.stream.end()
        await run.reviewer.stop()


async def learning(run: DemoRun) -> None:
    """The first champion errs, a reviewer corrects it, and models trained on the reviews are promoted and served."""
    await run.until_seen(FIRST_RECORDS)
    run.report_errors()
    run.review(REVIEWS_PER_S)
    await run.until_learned(TRAININGS)


async def drifting(run: DemoRun) -> None:
    """Some readings shift; the drift is found, reviews continue, and a model trained on shifted records is promoted."""
    assert run.shift is not None
    await run.until_seen(FIRST_RECORDS)
    await run.until(lambda: run.drift.has_reference)
    run.report_errors()
    run.review(REVIEWS_PER_S)
    await asyncio.sleep(BEFORE_SHIFT_S)
    before = run.recent_accuracy
    run.monitor.stream.change = run.shift.apply
    run.retrains.mark()
    run.report("shift", run.shift.text)
    await run.until_seen(SHIFTED_RECORDS)
    now = f"{percent(run.recent_accuracy)} of the last ones are right, {percent(before)} before the shift"
    run.report("errors", now, "red")
    await run.until_learned(TRAININGS_SHIFTED)
