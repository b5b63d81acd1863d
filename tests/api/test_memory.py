"""A process that answers and swaps models for a long time needs no more memory than at first.

A short run counts the blocks that Python holds; only a long one judges the bytes of the process.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from dataclasses import replace

import psutil
import pytest

from relearn.agents.stores.postgres import open_pool
from relearn.schemas.model.linear_svm import Model
from relearn.schemas.settings import Settings
from tests.support.api.client import Client
from tests.support.api.mixed import D, ask, fill
from tests.support.data import models
from tests.support.processes.apis import an_api
from tests.support.waiting import eventually_async

#: A model with that takes more than 20 kB, and its answers no more than others': 900 that were kept would take 18 MB.
METRICS = {"text": "x" * 20_000}
REQUESTS, SWAPS, ROUNDS = 100_000, 1_000, 10
BOUND_BYTES = 12 * 2**20
#: Of a short run, by round. In the first rounds each connection to Postgres learns its statements.
FEW_REQUESTS, FEW_SWAPS, FEW_ROUNDS, WARM_UP = 300, 3, 8, 4
#: A request that was kept would be hundreds.
BLOCKS_A_REQUEST = 2


async def test_some_rounds_of_requests_and_swaps_leave_nothing_behind(client: Client) -> None:
    await fill(client.context.pool)
    blocks, held = [], []
    for round_ in range(FEW_ROUNDS):
        await _swap(client, range(round_ * FEW_SWAPS + 1, (round_ + 1) * FEW_SWAPS + 1))
        await ask(client.http.port or 0, FEW_REQUESTS)
        gc.collect()
        blocks.append(sys.getallocatedblocks())
        held.append(sum(isinstance(one, Model) for one in gc.get_objects()))
    assert blocks[-1] - blocks[WARM_UP - 1] < (FEW_ROUNDS - WARM_UP) * FEW_REQUESTS * BLOCKS_A_REQUEST, blocks
    assert held[-1] == held[WARM_UP - 1], f"models are kept: {held}"


@pytest.mark.long
def test_a_hundred_thousand_requests_and_a_thousand_swaps_leave_memory_as_it_was(migrated: Settings) -> None:
    asyncio.run(_fill(migrated))
    with an_api(migrated) as api:
        api.wait_for("event=serving")
        sizes = []
        for round_ in range(ROUNDS):
            activations = range(round_ * SWAPS // ROUNDS + 1, (round_ + 1) * SWAPS // ROUNDS + 1)
            _publish(migrated, activations)
            api.wait_for(f"activation={activations[-1]} ")
            asyncio.run(ask(api.port, REQUESTS // ROUNDS))
            sizes.append(psutil.Process(api.process.pid).memory_info().rss)
        first, last = sizes[0] / 2**20, sizes[-1] / 2**20
        print(f"{first:.1f} MiB at first, {last:.1f} after {REQUESTS:,} requests and {SWAPS:,} swaps")  # noqa: T201 - a figure
        assert sizes[-1] - sizes[0] < BOUND_BYTES


async def _fill(settings: Settings) -> None:
    pool = await open_pool(settings, size=1)
    await fill(pool)
    await pool.close()


async def _swap(client: Client, activations: range) -> None:
    """A new champion for each activation, until the server has the last one."""

    def arrived() -> bool:
        served = client.context.live.current
        return served is not None and served.activation == activations[-1]

    await asyncio.to_thread(_publish, client.settings, activations)
    await eventually_async(arrived, "it never came")


def _publish(settings: Settings, activations: range) -> None:
    for activation in activations:
        model = replace(models.a_model(activation, d=D, seed=activation), metrics=METRICS)
        models.publish(settings, model, activation)
