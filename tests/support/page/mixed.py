"""A model of numbers, categories and texts with gaps on the page's server, and predictions of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from relearn.agents.learning.predict import score
from relearn.agents.stores.postgres import open_pool
from relearn.agents.stores.training.examples import load_examples
from relearn.schemas.features import FeatureSchema, Value, rows_of_values, strings_by_code
from relearn.schemas.model.linear_svm import Model
from relearn.schemas.settings import Settings
from tests.support.api.filled import store
from tests.support.data import reviewed
from tests.support.data.blocks import block_of
from tests.support.data.mixed import SCHEMA, mixed_values
from tests.support.data.registered import register
from tests.support.page.site import Site


async def mixed_champion(site: Site, examples: int = 60) -> Model:
    """Register a model of `tests.support.data.mixed`, and let the site serve it."""
    return await champion_of(site, SCHEMA, *mixed_values(examples))


async def champion_of(
    site: Site, schema: FeatureSchema, values: Sequence[Sequence[Value]], labels: Sequence[str]
) -> Model:
    """Register a model of these records, and let the site serve it."""
    await asyncio.to_thread(_load, site.settings, schema, values, labels)
    version = await asyncio.to_thread(register, site.settings)
    model = await asyncio.to_thread(reviewed.model_of, site.settings, version)
    site.client.serve(model)
    return model


async def mixed_predicted(
    site: Site, model: Model, values: Sequence[Sequence[Value]], first: int = 0, **columns: Any
) -> list[str]:
    """Store that model's predictions of these records, from the offset `first` on; their ids."""
    rows, strings = rows_of_values(values, model.schema)
    scores = score(model, rows, strings_by_code(strings))
    block = block_of(
        len(values),
        first_offset=first,
        features=rows[:, : len(model.schema.numbers)],
        strings=strings,
        classes=model.classes,
        labels=scores.labels,
        margins=scores.margins,
        confidence=scores.confidence,
        model=model.version,
        **columns,
    )
    await store(site.client.context.pool, block)
    return [f"0-{first + i}-0" for i in range(len(values))]


def _load(settings: Settings, schema: FeatureSchema, values: Sequence[Sequence[Value]], labels: Sequence[str]) -> None:
    rows, strings = rows_of_values(values, schema)

    async def run() -> None:
        pool = await open_pool(settings, size=1)
        try:
            await load_examples(
                pool,
                schema=schema,
                features=rows,
                strings=strings,
                labels=labels,
                subjects=[f"r-{i}" for i in range(len(values))],
                source="test",
            )
        finally:
            pool.terminate()

    asyncio.run(run())
