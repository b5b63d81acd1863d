"""Loads of examples: what came from where, what is withdrawn, and features that were loaded wrongly."""

from __future__ import annotations

import numpy as np
import pytest

from relearn.agents.learning.fit import fit
from relearn.agents.models.signing_keys import load_signer
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.training.activations import ActivationCause, SigningContext, activate
from relearn.agents.stores.training.champion import champion_version, judging_champion
from relearn.agents.stores.training.examples import feature_widths, load_examples
from relearn.agents.stores.training.jobs import end_job, queue_job
from relearn.agents.stores.training.kept_labels import KeptLabels
from relearn.agents.stores.training.lineage import read_lineage, used_examples
from relearn.agents.stores.training.loads import list_loads, withdraw_loads
from relearn.agents.stores.training.models import register_model
from relearn.agents.stores.training.snapshot import read_training_snapshot
from relearn.schemas.errors import Refused
from relearn.schemas.features import numbers_alone
from relearn.schemas.messages.commands import Command
from relearn.schemas.model.linear_svm import Floats
from relearn.schemas.settings import Settings
from tests.support.data.models import ensure_keys
from tests.support.data.stored import tables
from tests.support.data.trials import prepared

FEATURES = np.random.default_rng(3).normal(size=(20, 2))
LABELS = ["p" if row[0] > 0 else "q" for row in FEATURES]


async def load(
    pool: Pool,
    source: str,
    features: Floats = FEATURES,
    labels: list[str] = LABELS,
    names: tuple[str, ...] = ("x", "y"),
) -> int:
    subjects: list[str | None] = [None] * len(labels)
    given = {"schema": numbers_alone(names), "features": features, "labels": labels, "subjects": subjects}
    return await load_examples(pool, **given, source=source, by="ann")  # type: ignore[arg-type]


async def labels_of(pool: Pool) -> dict[str, str]:
    """What the next model would be trained on: each key's label."""
    snapshot = await read_training_snapshot(pool, KeptLabels())
    found = prepared(snapshot).examples
    return dict(zip(found.keys, found.labels, strict=True))


async def counting(pool: Pool) -> list[tuple[int, str, int, int, int, bool]]:
    return [
        (one.id, one.source, one.rows, one.added, one.counting, one.withdrawn_at is not None)
        for one in (await list_loads(pool))[::-1]
    ]


async def test_what_is_withdrawn_trains_no_model_again(settings: Settings) -> None:
    """By the load's number or by its source; what another load has too still counts, whatever its file is called."""
    bad = np.vstack([FEATURES[:19], [[99.0, 99.0]]])
    async with tables(settings) as pool:
        assert await load(pool, "a.csv", bad) == 20
        assert await load(pool, "copy of a.csv") == 1
        assert await counting(pool) == [(1, "a.csv", 20, 20, 20, False), (2, "copy of a.csv", 20, 1, 20, False)]
        assert await load(pool, "a.csv") == 0
        assert (await counting(pool))[::2] == [(1, "a.csv", 20, 20, 1, False), (3, "a.csv", 20, 0, 20, False)]
        assert tuple(await withdraw_loads(pool, "1", by="bob")) == ([1], 1, 20)
        assert len(await labels_of(pool)) == 20
        assert tuple(await withdraw_loads(pool, "a.csv")) == ([3], 0, 20)
        assert tuple(await withdraw_loads(pool, "copy of a.csv")) == ([2], 20, 0)
        for name in ("1", "a.csv", "none"):
            with pytest.raises(Refused, match="no load"):
                await withdraw_loads(pool, name)
        assert await labels_of(pool) == {}
        assert (await list_loads(pool))[-1].withdrawn_by == "bob"
        assert await load(pool, "a.csv") == 20
        assert len(await labels_of(pool)) == 20


async def test_the_label_before_counts_again_when_a_later_one_is_withdrawn(settings: Settings) -> None:
    async with tables(settings) as pool:
        await load(pool, "right.csv")
        before = await labels_of(pool)
        await load(pool, "wrong.csv", labels=LABELS[::-1])
        assert await labels_of(pool) != before
        await withdraw_loads(pool, "wrong.csv")
        assert await labels_of(pool) == before


async def test_a_first_load_with_the_wrong_label_column_is_not_for_good(settings: Settings) -> None:
    """Its model answers until the next one; reviews of its predictions are of other features; lineage stays."""
    ensure_keys(settings)
    signing = SigningContext(settings.namespace, load_signer(settings))

    async def trained(pool: Pool, job: str) -> int:
        snapshot = await read_training_snapshot(pool, KeptLabels())
        trial = prepared(snapshot)
        assert trial.champion is None, "it would be judged by a champion of other features"
        async with pool.acquire() as connection, connection.transaction():
            await queue_job(connection, Command(job, "train", {"trigger": "test"}))
            version = await register_model(connection, job, trial.examples, fit(trial.examples), "former")
            await activate(connection, version, ActivationCause(job, None, {}), signing)
            await end_job(connection, job, "promoted", version=version)
            return version

    async with tables(settings) as pool:
        await load(pool, "data.csv", names=("x", "label"))
        assert await trained(pool, "first") == 1
        with pytest.raises(Refused, match="withdraw all examples"):
            await load(pool, "data.csv", np.ones((4, 3)), ["p", "q", "p", "q"], ("x", "y", "z"))
        await withdraw_loads(pool, "data.csv")
        async with pool.acquire() as connection:
            assert (await champion_version(connection), await judging_champion(connection)) == (1, 1)
        wide = np.column_stack([FEATURES, FEATURES[:, 0]])
        assert await load(pool, "data.csv", wide, LABELS, ("x", "y", "z")) == 20
        assert await feature_widths(pool) == {2, 3}
        async with pool.acquire() as connection:
            assert (await champion_version(connection), await judging_champion(connection)) == (1, None)
        assert await trained(pool, "second") == 2
        async with pool.acquire() as connection, connection.transaction():
            with pytest.raises(Refused, match="other features"):
                await activate(connection, 1, ActivationCause("second", None, {}), signing)
        lineage = await read_lineage(pool, 1)
        assert lineage is not None and list(lineage.features) == ["x", "label"]
        assert len([one async for one in used_examples(pool, 1)]) == 20
