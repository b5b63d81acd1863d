"""How right each champion is on the records that were held back: never streamed, and seen by none of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from relearn.agents.stores.postgres import Pool, translated
from relearn.agents.stores.training.models import load_model
from relearn.agents.stores.training.snapshot import training_keys
from relearn.schemas.errors import Refused
from relearn.schemas.model.linear_svm import Model
from relearn.scripts.data.datasets import Dataset
from relearn.scripts.demo.shift import Shift, accuracy


@dataclass(frozen=True, slots=True)
class Judged:
    """One champion's share of right answers; `shifted`: the same records after the shift, where there was one."""

    version: int
    plain: float
    shifted: float | None

    @property
    def lately(self) -> float:
        """As the stream is now."""
        return self.plain if self.shifted is None else self.shifted


@dataclass(frozen=True, slots=True)
class HeldBack:
    """All champions of this run, the first one first, on the same `records` records."""

    records: int
    champions: Sequence[Judged]


async def registered(pool: Pool, version: int) -> Model:
    """A model's numbers, from the registry.

    Raises:
        PostgresUnavailable: ask again.
        Refused: there is no such model.
    """
    model = await load_model(pool, version)
    if model is None:
        raise Refused(f"there is no model {version}")
    return model


async def judge(pool: Pool, held_back: Dataset, versions: Sequence[int], shift: Shift | None) -> HeldBack:
    """Let the registered models answer what was held back.

    A run with another seed may have trained on some of it: what any of the models has seen is left out.

    Raises:
        PostgresUnavailable: ask again.
    """
    with translated():
        async with pool.acquire() as connection:
            seen = [await training_keys(connection, version) for version in versions]
    records = unseen(held_back, frozenset[str]().union(*seen))
    after = None if shift is None else shift.apply(records)
    models = [await registered(pool, version) for version in versions]
    return HeldBack(
        len(records),
        [Judged(one.version, accuracy(one, records), None if after is None else accuracy(one, after)) for one in models]
        if len(records)
        else [],
    )


def unseen(records: Dataset, keys: Iterable[str]) -> Dataset:
    """The records whose subject isn't among the keys."""
    known = frozenset(keys)
    return records.take(np.array([i for i, one in enumerate(records.subjects) if one not in known], dtype=np.intp))
