"""A small real system with some history: the demo's first act, in a directory that is gone afterwards."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from relearn.schemas.errors import SetupError
from relearn.schemas.settings import PREFIX, Settings
from relearn.scripts.data.datasets import load_dataset
from relearn.scripts.demo.acts import learning
from relearn.scripts.demo.scene import Scene, play
from relearn.scripts.demo.setting import FIRST, Wanted, parts_of
from relearn.scripts.demo.stage import ROLES, staged
from relearn.scripts.demo.story import Story
from relearn.scripts.embedded import stack

#: Records a second, and for how long at most.
RATE, SECONDS = 300.0, 120.0
#: A trained challenger whose shadow isn't settled by then is rejected: its evidence stands in the pictures.
SHADOW_S = 20
WANTED = Wanted(FIRST, None, drift=False, rows=60, rate=RATE, seconds=SECONDS, leave=True, seed=0)


@dataclass(frozen=True)
class System:
    """What is up: where the page is, and what streams there."""

    settings: Settings
    url: str
    scene: Scene


@asynccontextmanager
async def small_system(story: Story) -> AsyncIterator[System]:
    """Servers, workers and the API, a first model, a stream, a reviewer and what was learned from them.

    Raises:
        SettingsError, SetupError, Refused: it can't be started, and why.
    """
    plain = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    # Not below a home that others may not enter: under root, Postgres runs as another user.
    with tempfile.TemporaryDirectory(prefix="relearn-screenshots-") as directory:
        own = {PREFIX + "DATA_DIR": directory, PREFIX + "SHADOW_S": str(SHADOW_S)}
        parts = parts_of(load_dataset(WANTED.source), WANTED.rows, WANTED.seed)
        async with stack.running({**plain, **own}, **ROLES, api=True, on_event=story.event) as up:
            if up.api is None:
                raise SetupError("the API didn't start")
            async with staged(up.settings, parts, WANTED, story) as scene:
                await _learn(scene, story)
                yield System(up.settings, up.api, scene)


async def _learn(scene: Scene, story: Story) -> None:
    """The act, shown as the demo shows it."""
    scene.running.start(RATE)
    playing = asyncio.create_task(play(scene, learning, SECONDS))
    try:
        await scene.running.show(story)
    finally:
        if not playing.done():
            playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
    playing.result()
