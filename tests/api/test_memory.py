"""A process that answers and swaps for a long time holds no more than at first."""

from __future__ import annotations

import asyncio

import numpy as np
import psutil
import pytest

from schemas.settings import Settings
from scripts.bench.api.load import load
from scripts.bench.api.scene import predict_request
from tests import models
from tests.apis import ApiProcess, an_api

REQUESTS, SWAPS, ROUNDS = 100_000, 1_000, 10
#: A model of so many classes takes more than 20 kB: 900 that were kept would take 18 MB.
CLASSES = tuple(f"class-{i}" for i in range(300))
BOUND_BYTES = 12 * 2**20


@pytest.mark.long
def test_a_hundred_thousand_requests_and_a_thousand_swaps_leave_memory_as_it_was(migrated: Settings) -> None:
    with an_api(migrated) as api:
        api.wait_for("event=serving")
        answered, swaps, sizes = 0, 0, []
        while answered < REQUESTS or swaps < SWAPS:
            _swap(migrated, api, range(swaps + 1, swaps + 1 + SWAPS // ROUNDS))
            swaps += SWAPS // ROUNDS
            answered += asyncio.run(_ask(api))
            sizes.append(psutil.Process(api.process.pid).memory_info().rss)
        first, last = sizes[0] / 2**20, sizes[-1] / 2**20
        print(f"{first:.1f} MiB at first, {last:.1f} after {answered:,} requests and {swaps:,} swaps")  # noqa: T201 - a figure
        assert sizes[-1] - sizes[0] < BOUND_BYTES


def _swap(settings: Settings, api: ApiProcess, activations: range) -> None:
    """A new champion for each activation, until the process has the last one."""
    for activation in activations:
        model = models.a_model(activation, classes=CLASSES, seed=activation)
        models.publish(settings, model, activation)
    api.wait_for(f"activation={activations[-1]} ")


async def _ask(api: ApiProcess) -> int:
    """Predictions for some seconds; how many were answered."""
    rows = np.random.default_rng(0).normal(size=(1, 4))
    found = await load(api.port, predict_request(rows), connections=8, seconds=5.0)
    return found.count
