"""`relearn demo`: from nothing to a checked summary, then a slow stream until Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console

from agents.generations import register_generation
from agents.stores.postgres import open_pool
from agents.stores.redis import open_redis
from agents.topic_admin import admin_client, topic_id
from schemas.settings import Settings
from schemas.topics import topic_name
from scripts.datasets import Dataset, load_dataset, require_classes, split_rows
from scripts.demo import champion
from scripts.demo.counts import count_after, count_before
from scripts.demo.figures import Counted, disagreeing, percentile
from scripts.demo.running import Running
from scripts.demo.screen import summary
from scripts.demo.story import Story
from scripts.demo.stream import TOGETHER, DemoStream
from scripts.demo.watch import Watch
from scripts.embedded import signals, stack

SCORE, STORE = 2, 1
SLOW = 5.0
#: Clocks of one machine; a broker elsewhere may be this much off.
CLOCKS_S = 300.0
AGREE_TIMEOUT_S = 15.0
NEXT = (
    ("status", "what is up, lag, models"),
    ("model list", "the champion, and others"),
    ("produce digits --rate 200", "a stream of your own"),
)


@dataclass(frozen=True)
class Wanted:
    """What was asked for."""

    source: str
    label: str | None
    rows: int
    rate: float
    seconds: float
    leave: bool
    seed: int


@click.command()
@click.option("--dataset", "source", default="digits", show_default=True, metavar="DATASET|FILE")
@click.option("--label", metavar="COLUMN", help="The label column of a file, by name or by number from 1.")
@click.option("--rows", default=60, show_default=True, type=click.IntRange(10), help="Labelled rows to train on.")
@click.option("--rate", default=500.0, show_default=True, type=click.FloatRange(1, 20_000), help="Records per second.")
@click.option("--seconds", default=30.0, show_default=True, type=click.FloatRange(1), help="How long it streams.")
@click.option("--seed", default=0, show_default=True, help="Which rows train, and the noise.")
@click.option("--exit", "leave", is_flag=True, help="Leave after the summary: 0 if all counts agree, else 1.")
def demo(**options: object) -> None:
    """See it work: real servers, a first model, a stream, live figures, and a summary that is checked."""
    wanted = Wanted(**options)  # type: ignore[arg-type]
    found: list[Counted] = []
    ended = signals.run(_demo(wanted, Story(), found))
    if not found and not ended:
        sys.exit(130)
    sys.exit(1 if disagreeing(found) else 0)


async def _demo(wanted: Wanted, story: Story, found: list[Counted]) -> None:
    """The whole story; `found` is given the summary's counts."""
    story.say()
    story.say("Relearn: a stream, scored by a model that people correct while it runs.", "bold")
    story.say()
    with story.step("data", f"reading {wanted.source}") as step:
        dataset = load_dataset(wanted.source, label=wanted.label)
        require_classes(dataset)
        training, real = split_rows(dataset, wanted.rows, wanted.seed)
        step.done = f"{dataset.name}: {len(training)} labelled rows to train on, {len(real):,} to stream"
    async with AsyncExitStack() as stopping:
        with story.step("servers", "starting Kafka, Postgres, Valkey and the workers") as step:
            up = await stopping.enter_async_context(
                stack.running(dict(os.environ), score=SCORE, store=STORE, retrain=1, on_event=story.event)
            )
            stopping.callback(story.say, "stopping; what is stored stays", "dim")
            step.done = f"Kafka, Postgres, Valkey and {len(up.workers)} workers started"
        await _model(up.settings, training, story)
        async with _stream(up.settings, real, wanted, story) as running:
            await running.show(story)
            found += await _summary(up.settings, running, story)
            if not wanted.leave:
                await _serve(running, story)


async def _model(settings: Settings, training: Dataset, story: Story) -> None:
    pool = await open_pool(settings, size=1)
    try:
        await champion.check_features(pool, training)
        with story.step("model", "training the first champion") as step:
            model = await champion.champion(settings, pool)
            kept = model is not None
            if model is None:
                model = await champion.first_champion(settings, training, step.now)
            how = f"of an earlier run, {model.examples} rows" if kept else f"trained on {model.examples} labelled rows"
            right = model.metrics.get("accuracy")
            share = "" if right is None else f": {right:.1%} right"
            step.done = f"champion {model.version}, {how}{share}"
    finally:
        pool.terminate()


@asynccontextmanager
async def _stream(settings: Settings, real: Dataset, wanted: Wanted, story: Story) -> AsyncIterator[Running]:
    """The stream, started and watched; ended and disconnected after the block."""
    pool, redis = await open_pool(settings, size=2), open_redis(settings)
    run = f"demo-{uuid.uuid4().hex[:8]}"
    stream = DemoStream(settings, real, run, wanted.seed)
    try:
        with story.step("workers", "waiting for the workers") as step:
            workers = await champion.until_caught_up(settings, redis, SCORE + STORE, step.now)
            step.done = f"{', '.join(worker['id'] for worker in workers)} ready"
        before = await count_before(settings, pool)
        ingest = topic_name(settings.namespace, "ingest")
        generation = await register_generation(pool, ingest, await topic_id(admin_client(settings), ingest))
        watch = Watch(pool, generation, time.time() - CLOCKS_S)
        limit = round(wanted.rate * wanted.seconds)
        noisy = " and noisy resamples of them" if limit > len(real) else ""
        story.say()
        story.say(f"Streaming {min(limit, len(real)):,} real records{noisy}, {wanted.rate:,.0f} per second for")
        story.say(f"{wanted.seconds:g} s: half of them one to a message, half {TOGETHER} to a message with a batch id.")
        story.say()
        stream.start(wanted.rate, limit)
        yield Running(settings.namespace, run, before, stream, watch, redis, workers=workers)
    finally:
        await asyncio.to_thread(stream.stop)
        pool.terminate()
        await redis.aclose()


async def _summary(settings: Settings, running: Running, story: Story) -> list[Counted]:
    """Read the counts back until they agree; show them as they are after 15 s at the latest."""
    deadline = time.monotonic() + AGREE_TIMEOUT_S
    while True:
        counts = await count_after(settings, running.run, running.before, running.stream.sender, running.watch)
        if not disagreeing(counts) or time.monotonic() > deadline:
            break
        await asyncio.sleep(0.5)
    latencies = running.watch.latencies_s
    p50, p99 = (1000 * (percentile(latencies, share) or 0.0) for share in (0.5, 0.99))
    accuracy = running.watch.accuracy
    story.say()
    console = Console(highlight=False)
    console.print(summary(counts))
    console.print(f"From producer to readable row: p50 {p50:.0f} ms, p99 {p99:.0f} ms over {len(latencies):,} records.")
    console.print(f"Against the known labels {accuracy.right:,} of {accuracy.seen:,} answers are right.")
    return counts


async def _serve(running: Running, story: Story) -> None:
    """A slow stream until Ctrl-C."""
    command = command_name()
    story.say()
    story.say(f"Everything keeps running, with {SLOW:g} more records per second, until Ctrl-C.")
    story.say("Next, in another terminal:")
    story.say()
    for argv, why in NEXT:
        story.say(f"  {command} {argv:<28}{why}")
    story.say()
    running.stream.start(SLOW)
    await running.show(story, line_every_s=None)


def command_name() -> str:
    """How to call this command from the same directory."""
    if shutil.which("relearn"):
        return "relearn"
    called = Path(sys.argv[0])
    return os.path.relpath(called) if called.name == "relearn" else "python -m scripts"
