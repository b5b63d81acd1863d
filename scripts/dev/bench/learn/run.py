"""Plays a scene on real servers: the first model, a stream, labels, a look a second; then its curve and its bars."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from relearn.agents.stores.postgres import Pool, open_pool
from relearn.schemas.errors import Refused, Unavailable
from relearn.schemas.messages.feedback import Via
from relearn.schemas.settings import PREFIX, Settings
from relearn.schemas.topics import topic_name
from relearn.scripts.client.producer import Sender, stopping_on_signals
from relearn.scripts.data.bootstrap import train_on
from relearn.scripts.data.paced_stream import PacedStream
from relearn.scripts.dev.bench.learn.bars import Bar, bars
from relearn.scripts.dev.bench.learn.curve import POINTS, Labelled, Point, accuracies, checkpoints, curve
from relearn.scripts.dev.bench.learn.label_sources import LabelSource, label_source
from relearn.scripts.dev.bench.learn.scenes import Records, Scene, messages
from relearn.scripts.dev.bench.learn.watch import Sample, Stored, Watch, read_stored
from relearn.scripts.dev.bench.servers import scratch_directory
from relearn.scripts.embedded.stack import running
from relearn.scripts.render.progress import bar

RUN = "bench"
LOOK_EVERY_S = 1.0
#: Looks between two lines on stderr.
TELL_EVERY = 15
FIRST_MODEL_WITHIN_S = 180.0
SCORING_WITHIN_S = 60.0
_SCORED = "SELECT EXISTS (SELECT FROM predictions)"

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """`minutes`: None: as long as each scene's bars need. `via`: how the feed's records came to be labelled."""

    minutes: float | None
    seed: int
    via: Via


@dataclass(frozen=True, slots=True)
class Played:
    """A scene that was played. `load`: the machine's load averages over a minute, at the start and at the end.

    `right`: the accuracy of every model on the held-back records.
    """

    scene: Scene
    seed: int
    load: tuple[float, float]
    samples: Sequence[Sample]
    stored: Stored
    right: Mapping[int, float]
    points: Sequence[Point]
    bars: Sequence[Bar]

    @property
    def title(self) -> str:
        """The scene, in words."""
        return f"{self.scene.name}: {self.scene.title}"

    @property
    def detail(self) -> str:
        """What makes the run the same again; no date."""
        return f"{self.scene.rate:,} records/s, {self.scene.labels:,} labels/s, seed {self.seed}"


async def play(scene: Scene, options: Options, stop: threading.Event, tell: Tell) -> Played:
    """One scene from nothing, with servers of its own in a scratch directory, and all settings default.

    It ends early once `stop` is set, by the first Ctrl-C or SIGTERM while records are streamed.

    Raises:
        Refused: the first model was not promoted, or nothing was scored.
        Unavailable: a server is away.
    """
    records, load = scene.draw(options.seed), os.getloadavg()[0]
    minutes = scene.minutes if options.minutes is None else options.minutes
    with scratch_directory() as directory:
        plain = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        given = {PREFIX + "NAMESPACE": "bench", PREFIX + "DATA_DIR": str(directory)}
        tell(f"{scene.name}: starting Kafka, Postgres, Valkey and five workers; all settings are the default")
        async with running({**plain, **given}) as stack, _pool(stack.settings) as pool:
            source = label_source(stack.settings, pool, scene, options.seed, options.via)
            playing = _Playing(stack.settings, pool, scene, source, stop, tell)
            samples, stored = await playing.play(records, 60 * minutes)
    tell(f"{scene.name}: training scikit-learn at {POINTS} label counts")
    labelled, chosen = Labelled.of(records.first, stored.statements), checkpoints(samples)
    right = accuracies(stored.models, records.held_back)
    with bar(len(chosen), "label counts") as show:
        points = await asyncio.to_thread(curve, chosen, labelled, right, records.held_back, show)
    loads = load, os.getloadavg()[0]
    return Played(scene, options.seed, loads, samples, stored, right, points, bars(scene, stored, samples, points))


@asynccontextmanager
async def _pool(settings: Settings) -> AsyncIterator[Pool]:
    pool = await open_pool(settings, size=3)
    try:
        yield pool
    finally:
        pool.terminate()


@dataclass(frozen=True, slots=True)
class _Playing:
    """A scene on running servers."""

    settings: Settings
    pool: Pool
    scene: Scene
    source: LabelSource
    stop: threading.Event
    tell: Tell

    async def play(self, records: Records, length_s: float) -> tuple[list[Sample], Stored]:
        """The first model, then records and labels; the samples, and what it left in Postgres."""
        outcome = await train_on(self.settings, records.first, timeout_s=FIRST_MODEL_WITHIN_S)
        if not outcome.promoted:
            raise Refused(f"the first model was not promoted: {outcome.job}")
        topic, name = topic_name(self.settings.namespace, "ingest"), f"/{self.settings.namespace}/bench"
        sender = Sender(self.settings, topic, source=name, on_ack=self.source.on_ack)
        stream = PacedStream(sender, messages(records.streamed, RUN), name="bench-stream")
        with stopping_on_signals(self.stop):
            stream.start(self.scene.rate)
            try:
                await self._until_scored()
                began_s = time.time()
                self.source.start()
                try:
                    samples = await self._look(stream, length_s)
                finally:
                    await self.source.stop()
            finally:
                await asyncio.to_thread(stream.stop)
        return samples, await read_stored(self.pool, began_s)

    async def _until_scored(self) -> None:
        """The first records wait for workers that are starting; this is no part of the scene."""
        deadline = time.monotonic() + SCORING_WITHIN_S
        while not self.stop.is_set() and not await self.pool.fetchval(_SCORED):
            if time.monotonic() > deadline:
                raise Refused(f"no record was stored within {SCORING_WITHIN_S:.0f} s")
            await asyncio.sleep(0.1)

    async def _look(self, stream: PacedStream, length_s: float) -> list[Sample]:
        """A sample a second until the scene is over. A look that fails is left out: the next one sees all."""
        watch, samples, began = Watch(self.pool), list[Sample](), time.monotonic()
        with bar(round(length_s), "seconds") as show:
            while (elapsed_s := time.monotonic() - began) < length_s and not self.stop.is_set() and stream.running:
                await asyncio.sleep(min(LOOK_EVERY_S, length_s - elapsed_s))
                with suppress(Unavailable):
                    at_s = time.monotonic() - began
                    samples.append(await watch.look(at_s, self.source.feedback.sender.sent))
                    show(round(at_s))
                    if len(samples) % TELL_EVERY == 0:
                        self.tell(f"{self.scene.name}: {_words(samples[-1])}")
        return samples


def _words(one: Sample) -> str:
    untrained = f"{one.untrained:,} of them known to no training"
    return f"{one.at_s:.0f} s, {one.labels:,} labels, {untrained}, champion {one.champion}"
