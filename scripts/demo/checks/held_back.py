"""The accuracy of each champion on held-back records: never streamed, and in no champion's training set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from relearn.agents.stores.postgres import Pool, postgres_errors
from relearn.agents.stores.training.models import load_model
from relearn.agents.stores.training.snapshot import training_keys
from relearn.schemas.errors import Refused
from relearn.schemas.model.linear_svm import Model
from relearn.scripts.data.accuracy import accuracy
from relearn.scripts.data.datasets import Dataset
from relearn.scripts.demo.traffic.shift import Shift


@dataclass(frozen=True, slots=True)
class ChampionAccuracy:
    """One champion's share of right answers; `shifted`: on the same records after the shift, if there was one."""

    version: int
    plain: float
    shifted: float | None


@dataclass(frozen=True, slots=True)
class HeldBack:
    """All champions of this run, the oldest first, on the same `records` records."""

    records: int
    champions: Sequence[ChampionAccuracy]


async def registered(pool: Pool, version: int) -> Model:
    """A model's numbers, from the registry.

    Raises:
        PostgresUnavailable: retryable.
        Refused: there is no such model.
    """
    model = await load_model(pool, version)
    if model is None:
        raise Refused(f"there is no model {version}")
    return model


async def held_back_accuracy(pool: Pool, held_back: Dataset, versions: Sequence[int], shift: Shift | None) -> HeldBack:
    """Score the held-back records with the registered models.

    A run with another seed may have trained on some of them: records that any of the models has seen are left out.

    Raises:
        PostgresUnavailable: retryable.
    """
    with postgres_errors():
        async with pool.acquire() as connection:
            seen = [await training_keys(connection, version) for version in versions]
    records = unseen(held_back, frozenset[str]().union(*seen))
    after = None if shift is None else shift.apply(records)
    models = [await registered(pool, version) for version in versions]
    return HeldBack(
        len(records),
        [
            ChampionAccuracy(one.version, accuracy(one, records), None if after is None else accuracy(one, after))
            for one in models
        ]
        if len(records)
        else [],
    )


def unseen(records: Dataset, keys: Iterable[str]) -> Dataset:
    """The records whose subject is not among the keys."""
    known = frozenset(keys)
    return records.take(np.array([i for i, one in enumerate(records.subjects) if one not in known], dtype=np.intp))
