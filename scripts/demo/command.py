"""`relearn demo`: from nothing to a better model and a checked summary, then a slow stream until Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AsyncExitStack

import click

from relearn.scripts.data.datasets import load_dataset, require_classes
from relearn.scripts.demo.acts import drifting, learning
from relearn.scripts.demo.scene import Scene, play
from relearn.scripts.demo.serving import Ended, serve, summed_up
from relearn.scripts.demo.setting import FIRST, NAMESPACE, Parts, Wanted, parts_of, with_namespace
from relearn.scripts.demo.stage import ROLES, staged
from relearn.scripts.demo.story import Story
from relearn.scripts.demo.stream import TOGETHER
from relearn.scripts.embedded import stack
from relearn.scripts.embedded.processes import signals


@click.command()
@click.option("--dataset", "source", default=FIRST, show_default=True, metavar="DATASET|FILE")
@click.option("--label", metavar="COLUMN", help="The label column of a file, by name or by number from 1.")
@click.option("--drift", is_flag=True, help="The second act: six readings shift in the midst of the stream.")
@click.option("--rows", default=60, show_default=True, type=click.IntRange(10), help="Labelled rows to train on.")
@click.option("--rate", default=500.0, show_default=True, type=click.FloatRange(1, 20_000), help="Records per second.")
@click.option("--seconds", default=180.0, show_default=True, type=click.FloatRange(1), help="It streams no longer.")
@click.option("--seed", default=0, show_default=True, help="Which rows train, the noise, and the shift.")
@click.option("--exit", "leave", is_flag=True, help="Leave after the summary: 0 if all went well, else 1.")
def demo(**options: object) -> None:
    """See it work: real servers, a first model, a stream, a reviewer, and what models learn from the reviews.

    With `--dataset breast_cancer --drift`, the second act: the world changes, and a new model follows it. Data other
    than digits has a namespace of its own, unless RELEARN_NAMESPACE is set.

    All went well where every count agrees, all score workers serve the same model, and a better one was promoted;
    the last isn't asked of a champion that had learned from reviews in an earlier run.
    """
    wanted = Wanted(**options)  # type: ignore[arg-type]
    found: list[Ended] = []
    ended = signals.run(_demo(wanted, Story(), found))
    if not found and not ended:
        sys.exit(130)
    sys.exit(0 if found and found[0].well else 1)


async def _demo(wanted: Wanted, story: Story, found: list[Ended]) -> None:
    """The whole story; `found` is given how it ended."""
    story.say()
    story.say("Relearn: a stream, scored by a model that people correct while it runs.", "bold")
    story.say()
    parts = _parts(wanted, story)
    environment = with_namespace(os.environ, wanted.source, drift=wanted.drift)
    own = None if os.environ.get(NAMESPACE) else environment.get(NAMESPACE)
    async with AsyncExitStack() as stopping:
        with story.step("servers", "starting Kafka, Postgres, Valkey, the workers and the API") as step:
            up = await stopping.enter_async_context(stack.running(environment, **ROLES, api=True, on_event=story.event))
            stopping.callback(story.say, "stopping; what is stored stays", "dim")
            step.done = f"Kafka, Postgres, Valkey, {len(up.workers)} workers and the API started"
        if own:
            story.note("namespace", f"{own}, apart from what other demos stored")
        async with staged(up.settings, parts, wanted, story) as scene:
            _announce(wanted, story)
            await _play(scene, wanted, story)
            found.append(await summed_up(up.settings, scene))
            if not wanted.leave:
                await serve(scene, story, wanted, own, up.api)


def _parts(wanted: Wanted, story: Story) -> Parts:
    with story.step("data", f"reading {wanted.source}") as step:
        dataset = load_dataset(wanted.source, label=wanted.label)
        require_classes(dataset)
        parts = parts_of(dataset, wanted.rows, wanted.seed)
        held = len(parts.held_back)
        step.done = (
            f"{dataset.stem}: {len(parts.training)} rows train, {len(parts.real):,} stream, {held} are held back"
        )
    return parts


def _announce(wanted: Wanted, story: Story) -> None:
    story.say()
    story.say(f"Streaming {wanted.rate:,.0f} records per second, real ones and noisy resamples in turn;")
    story.say(f"half of them one to a message, half {TOGETHER} to a message with a batch id.")
    story.say()


async def _play(scene: Scene, wanted: Wanted, story: Story) -> None:
    """Stream, and show it, while the act is played."""
    running = scene.running
    running.start(wanted.rate)
    playing = asyncio.create_task(play(scene, drifting if wanted.drift else learning, wanted.seconds))
    try:
        await running.show(story)
    except BaseException:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
        raise
    await playing
