"""Setting the demo's stage: a first champion, workers that have caught up, and everything that an act plays with."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from relearn.agents.kafka.topics import admin_client, topic_id
from relearn.agents.stores.generations import register_generation
from relearn.agents.stores.postgres import Pool, open_pool
from relearn.agents.stores.redis import open_redis
from relearn.agents.stores.training.models import ModelRow
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from relearn.scripts.data.datasets import Dataset
from relearn.scripts.demo import champion
from relearn.scripts.demo.counts import count_before
from relearn.scripts.demo.drift import Drifts
from relearn.scripts.demo.heldback import registered
from relearn.scripts.demo.reviewing import fallible
from relearn.scripts.demo.running import Running
from relearn.scripts.demo.scene import Scene
from relearn.scripts.demo.screen import percent
from relearn.scripts.demo.setting import Parts, Wanted
from relearn.scripts.demo.shift import choose_shift
from relearn.scripts.demo.story import Story
from relearn.scripts.demo.stream import DemoStream
from relearn.scripts.demo.verdict import Retrains
from relearn.scripts.demo.watch import Watch

#: How many workers of each role.
ROLES = {"score": 2, "store": 1, "feedback": 1, "retrain": 1}
#: Clocks of one machine; a broker elsewhere may be this much off.
CLOCKS_S = 300.0


async def first_model(settings: Settings, pool: Pool, training: Dataset, story: Story) -> ModelRow:
    """The champion: that of an earlier run, else one that is trained now.

    Raises:
        Refused: what is stored has other features, or the model wasn't promoted.
        SetupError: nobody trained it.
    """
    await champion.check_features(pool, training)
    with story.step("model", "training the first champion") as step:
        model = await champion.champion(settings, pool)
        if model is not None:
            step.done = f"champion {model.version} of an earlier run, trained on {model.examples:,} labels"
        else:
            model = await champion.first_champion(settings, training, step.now)
            right = percent(model.metrics.get("accuracy"))
            step.done = f"champion {model.version}, trained on {model.examples} labels: {right} right out of fold"
    return model


@asynccontextmanager
async def staged(settings: Settings, parts: Parts, wanted: Wanted, story: Story) -> AsyncIterator[Scene]:
    """A first champion, all workers ready, and nothing streaming yet; ended and disconnected after the block.

    Raises:
        Refused, SetupError: it can't be set up, and why.
    """
    pool, redis = await open_pool(settings, size=4), open_redis(settings)
    run = f"demo-{uuid.uuid4().hex[:8]}"
    stream = DemoStream(settings, parts.real, run, wanted.seed)
    try:
        model = await first_model(settings, pool, parts.training, story)
        with story.step("workers", "waiting for the workers") as step:
            workers = await champion.until_caught_up(settings, redis, ROLES, step.now)
            step.done = f"{', '.join(worker['id'] for worker in workers)} ready"
        shift = None
        if wanted.drift:
            shift = choose_shift(await registered(pool, model.version), parts.real, wanted.seed)
        before = await count_before(settings, pool)
        ingest = topic_name(settings.namespace, "ingest")
        generation = await register_generation(pool, ingest, await topic_id(admin_client(settings), ingest))
        watch = Watch(pool, generation, time.time() - CLOCKS_S)
        running = Running(settings.namespace, run, before, stream, watch, redis, workers=workers)

        def tell(name: str, text: str, style: str = "") -> None:
            story.tell(name, text, running.elapsed_s(), style)

        answering = fallible(settings, pool, parts.real, run, wanted.seed)
        retrains = Retrains(settings, pool, tell, lambda: running.workers)
        drifts = Drifts(pool, tell, answering.mind)
        scene = Scene(parts, shift, running, answering, retrains, drifts, tell, model)
        running.asks, running.learning = (retrains.look, drifts.look), scene.learning
        await retrains.begin()
        yield scene
    finally:
        await asyncio.to_thread(stream.stop)
        pool.terminate()
        await redis.aclose()
