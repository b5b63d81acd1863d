"""The end of a run: reads the counts until they agree, prints the summary, and decides whether the demo succeeded."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from rich.console import Console

from relearn.schemas.settings import Settings
from relearn.scripts.demo.checks.counts import Counted, Served, count_after, count_reviews, disagreeing, served
from relearn.scripts.demo.checks.held_back import held_back_accuracy
from relearn.scripts.demo.display.figures import percentile
from relearn.scripts.demo.display.summary import held_back_lines, summary
from relearn.scripts.demo.scenarios import DemoRun

AGREE_TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a run. `started_taught`: its first champion had learned from reviews in an earlier run."""

    agreed: bool
    promoted: bool
    started_taught: bool

    @property
    def succeeded(self) -> bool:
        """Whether all counts agreed and a better model was promoted, unless there may have been none to find."""
        return self.agreed and (self.promoted or self.started_taught)


async def check_and_summarize(settings: Settings, run: DemoRun) -> Result:
    """Print the accuracy on held-back records, and the counts once they agree or after 15 s."""
    rows = run.monitor.rows
    counts, serving = await _counted(settings, run)
    found = await held_back_accuracy(rows.pool, run.parts.held_back, run.versions, run.shift)
    latencies, accuracy = rows.latencies_s, rows.accuracy
    p50, p99 = (1000 * (percentile(latencies, share) or 0.0) for share in (0.5, 0.99))
    stdout = Console(highlight=False)
    stdout.print()
    for line in held_back_lines(found):
        stdout.print(line)
    stdout.print()
    stdout.print(summary(counts, serving))
    stdout.print(f"From producer to readable row: p50 {p50:.0f} ms, p99 {p99:.0f} ms over {len(latencies):,} records.")
    stdout.print(f"Against the known labels {accuracy.right:,} of {accuracy.seen:,} answers are right.")
    promoted = bool(run.retrains.promoted)
    if not promoted:
        stdout.print(f"Nothing was promoted. {run.retrains.why_not()}.", style="bold yellow")
    return Result(not disagreeing(counts) and serving.agrees, promoted, run.started_taught)


async def _counted(settings: Settings, run: DemoRun) -> tuple[list[Counted], Served]:
    monitor, deadline = run.monitor, time.monotonic() + AGREE_TIMEOUT_S
    while True:
        counts = await count_after(settings, monitor.run_id, monitor.before, monitor.stream.sender, monitor.rows)
        counts += await count_reviews(monitor.rows.pool, monitor.run_id, run.reviewer.feedback.sender)
        serving = await served(settings, monitor.rows.pool)
        if (not disagreeing(counts) and serving.agrees) or time.monotonic() > deadline:
            return counts, serving
        await asyncio.sleep(0.5)
