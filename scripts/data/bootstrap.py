"""A labelled data set as bootstrap examples, and the model that is trained on them."""

from __future__ import annotations

import uuid

from relearn.agents.stores.postgres import open_pool
from relearn.agents.stores.training.examples import load_examples
from relearn.schemas.messages.commands import Command
from relearn.schemas.settings import Settings
from relearn.scripts.client.send_and_wait import OnState, Outcome, person, send_and_wait
from relearn.scripts.data.datasets import Dataset, require_classes


async def train_on(
    settings: Settings, dataset: Dataset, *, timeout_s: float, on_state: OnState = lambda state: None
) -> Outcome:
    """Load labelled records as examples, have a model trained on all there are, and wait for it.

    Raises:
        BadFile: the records have no labels, or all the same.
        Refused: the namespace has other features.
        Unavailable: a server is away.
    """
    require_classes(dataset)
    pool = await open_pool(settings, size=1)
    try:
        added = await load_examples(
            pool,
            schema=dataset.schema,
            features=dataset.features,
            strings=dataset.strings,
            labels=dataset.labels or (),
            subjects=dataset.subjects,
            source=dataset.name,
            by=person(),
        )
    finally:
        pool.terminate()
    reason = {"trigger": "bootstrap", "source": dataset.name, "rows": len(dataset), "new": added}
    on_state(f"{added} new examples of {len(dataset)}")
    command = Command(str(uuid.uuid4()), "train", reason, by=person())
    return await send_and_wait(settings, command, timeout_s=timeout_s, on_state=on_state)
