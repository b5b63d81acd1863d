"""A small real system with some history: the demo's learning scenario, in a temporary directory."""

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
from relearn.scripts.demo.display.console import DemoConsole
from relearn.scripts.demo.options import DEFAULT_DATASET, DemoOptions, split_data
from relearn.scripts.demo.scenarios import DemoRun, learning, run_scenario
from relearn.scripts.demo.setup import ROLES, prepared
from relearn.scripts.embedded import stack

#: Records a second, and for how long at most.
RATE, SECONDS = 300.0, 120.0
#: A trained challenger whose shadow isn't settled by then is rejected: its evidence stands in the pictures.
SHADOW_S = 20
WANTED = DemoOptions(DEFAULT_DATASET, None, drift=False, rows=60, rate=RATE, seconds=SECONDS, leave=True, seed=0)


@dataclass(frozen=True)
class System:
    """What is up: where the page is, and what streams there."""

    settings: Settings
    url: str
    run: DemoRun


@asynccontextmanager
async def small_system(console: DemoConsole) -> AsyncIterator[System]:
    """Servers, workers and the API, a first model, a stream, a reviewer and what was learned from them.

    Raises:
        SettingsError, SetupError, Refused: it can't be started, and why.
    """
    plain = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    # Not below a home that others may not enter: under root, Postgres runs as another user.
    with tempfile.TemporaryDirectory(prefix="relearn-screenshots-") as directory:
        own = {PREFIX + "DATA_DIR": directory, PREFIX + "SHADOW_S": str(SHADOW_S)}
        parts = split_data(load_dataset(WANTED.source), WANTED.rows, WANTED.seed)
        async with stack.running({**plain, **own}, **ROLES, api=True, registry=False, on_event=console.on_event) as up:
            if up.api is None:
                raise SetupError("the API didn't start")
            async with prepared(up.settings, parts, WANTED, console) as run:
                await _learn(run, console)
                yield System(up.settings, up.api, run)


async def _learn(run: DemoRun, console: DemoConsole) -> None:
    """Run the scenario, shown as the demo shows it."""
    run.monitor.start(RATE)
    playing = asyncio.create_task(run_scenario(run, learning, SECONDS))
    try:
        await run.monitor.show(console)
    finally:
        if not playing.done():
            playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
    playing.result()
