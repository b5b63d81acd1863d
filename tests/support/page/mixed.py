"""A model of numbers and categories with gaps on the page's server, and predictions of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np

from relearn.agents.learning.predict import score
from relearn.agents.stores.postgres import open_pool
from relearn.agents.stores.training.examples import load_examples
from relearn.schemas.features import Value
from relearn.schemas.model.linear_svm import Model
from relearn.schemas.settings import Settings
from tests.support.api.filled import store
from tests.support.data import reviewed
from tests.support.data.blocks import block_of
from tests.support.data.mixed import SCHEMA, mixed_values, row
from tests.support.data.registered import register
from tests.support.page.site import Site


async def mixed_champion(site: Site, examples: int = 60) -> Model:
    """Register a model of `tests.support.data.mixed`, and let the site serve it."""
    await asyncio.to_thread(_load, site.settings, examples)
    version = await asyncio.to_thread(register, site.settings)
    model = await asyncio.to_thread(reviewed.model_of, site.settings, version)
    site.client.serve(model)
    return model


async def mixed_predicted(site: Site, model: Model, values: Sequence[Sequence[Value]]) -> list[str]:
    """Store that model's predictions of these records; their ids."""
    rows = np.array([row(one) for one in values])
    scores = score(model, rows)
    block = block_of(
        len(values),
        features=rows[:, : len(SCHEMA.numbers)],
        strings=_strings(values),
        classes=model.classes,
        labels=scores.labels,
        margins=scores.margins,
        confidence=scores.confidence,
        model=model.version,
    )
    await store(site.client.context.pool, block)
    return [f"0-{i}-0" for i in range(len(values))]


def _strings(values: Sequence[Sequence[Value]]) -> list[list[str | None]]:
    """The categories of each."""
    return [[one[i] for i in SCHEMA.strings] for one in values]  # type: ignore[misc]


def _load(settings: Settings, n: int) -> None:
    values, labels = mixed_values(n)

    async def run() -> None:
        pool = await open_pool(settings, size=1)
        try:
            await load_examples(
                pool,
                schema=SCHEMA,
                features=np.array([row(one) for one in values]),
                strings=_strings(values),
                labels=labels,
                subjects=[f"r-{i}" for i in range(n)],
                source="test",
            )
        finally:
            pool.terminate()

    asyncio.run(run())
