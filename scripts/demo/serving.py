"""The demo's end: counts read back until they agree, what was held back, and a slow stream until Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from relearn.schemas.settings import Settings
from relearn.scripts.demo.counts import count_after, count_answers, served
from relearn.scripts.demo.figures import Counted, Served, disagreeing, percentile
from relearn.scripts.demo.heldback import judge
from relearn.scripts.demo.page import held_back_lines, summary
from relearn.scripts.demo.scene import Scene
from relearn.scripts.demo.setting import NAMESPACE, Wanted
from relearn.scripts.demo.story import Story

SLOW = 5.0
AGREE_TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended. `taught`: the champion of the beginning had learned from reviews in an earlier run."""

    agreed: bool
    promoted: bool
    taught: bool

    @property
    def well(self) -> bool:
        """All agreed, and the story happened, unless there may have been nothing left to learn."""
        return self.agreed and (self.promoted or self.taught)


async def summed_up(settings: Settings, scene: Scene) -> Ended:
    """Show what came of it: accuracy on what was held back, and the counts once they agree, or after 15 s."""
    watch = scene.running.watch
    counts, serving = await _counted(settings, scene)
    found = await judge(watch.pool, scene.parts.held_back, scene.versions, scene.shift)
    latencies, accuracy = watch.latencies_s, watch.accuracy
    p50, p99 = (1000 * (percentile(latencies, share) or 0.0) for share in (0.5, 0.99))
    console = Console(highlight=False)
    console.print()
    for line in held_back_lines(found):
        console.print(line)
    console.print()
    console.print(summary(counts, serving))
    console.print(f"From producer to readable row: p50 {p50:.0f} ms, p99 {p99:.0f} ms over {len(latencies):,} records.")
    console.print(f"Against the known labels {accuracy.right:,} of {accuracy.seen:,} answers are right.")
    promoted = bool(scene.retrains.promoted)
    if not promoted:
        console.print(f"Nothing was promoted. {scene.retrains.why_not()}.", style="bold yellow")
    return Ended(not disagreeing(counts) and serving.agrees, promoted, scene.taught)


async def _counted(settings: Settings, scene: Scene) -> tuple[list[Counted], Served]:
    running, deadline = scene.running, time.monotonic() + AGREE_TIMEOUT_S
    while True:
        counts = await count_after(settings, running.run, running.before, running.stream.sender, running.watch)
        counts += await count_answers(running.watch.pool, running.run, scene.answering.mouth.sender)
        serving = await served(settings, running.watch.pool)
        if (not disagreeing(counts) and serving.agrees) or time.monotonic() > deadline:
            return counts, serving
        await asyncio.sleep(0.5)


async def serve(scene: Scene, story: Story, wanted: Wanted, namespace: str | None, api: str | None) -> None:
    """A slow stream until Ctrl-C. `namespace`: the demo's own one, where other terminals must be told."""
    story.say()
    story.say(f"Everything keeps running, with {SLOW:g} more records per second, until Ctrl-C.")
    if api:
        story.say(f"The API answers at {api}; /docs there says what to ask.")
    story.say("Next, in another terminal here:")
    story.say()
    oracle = wanted.source + (f" --label {wanted.label}" if wanted.label else "")
    for line in (*exports(namespace), *next_lines(oracle, scene.champion.version)):
        story.say(f"  {line}")
    story.say()
    scene.running.stream.start(SLOW)
    await scene.running.show(story, line_every_s=None)


def next_lines(oracle: str, version: int) -> list[str]:
    """What to try, a line each."""
    verbs = (
        ("status", "what is up, lag, models"),
        (f"review --oracle {oracle} --count 60", "answer as the reviewer did"),
        ("model list", "the champion, and all others"),
        ("job list", "why each was trained"),
        (f"replay --from 1h --model {version}", "what it would have said"),
    )
    width = max(len(argv) for argv, _ in verbs) + 2
    return [f"relearn {argv:<{width}}{why}" for argv, why in verbs]


def exports(namespace: str | None) -> list[str]:
    """The line that another terminal needs first, if any: where `relearn` is, and the namespace."""
    called = Path(sys.argv[0])
    needed = []
    if not shutil.which("relearn") and called.name == "relearn":
        needed.append(f'PATH="$PWD/{os.path.relpath(called.parent)}:$PATH"')
    if namespace:
        needed.append(f"{NAMESPACE}={namespace}")
    return [f"export {' '.join(needed)}"] if needed else []
