"""What a model's training knew, read back for the next one: all up to its cuts, used or not, but for what waited."""

from __future__ import annotations

import asyncio

import pytest

from relearn.agents.learning.snapshot import Champion
from relearn.agents.stores.postgres import open_pool
from relearn.agents.stores.training.kept_labels import KeptLabels
from relearn.agents.stores.training.snapshot import read_training_snapshot
from relearn.schemas.settings import Settings
from tests.support.data import retrains, reviewed
from tests.support.data.registered import register
from tests.support.data.rows import query

LOADED, REVIEWED, OF_EACH = 150, 160, 40


@pytest.fixture
def settings(migrated: Settings) -> Settings:
    """A champion of 100 labels. There were 150 examples, and 160 reviews of two reviewers, of which 80 wait."""
    limited = migrated.model_copy(update={"train_max_labels": 100, "reviewer_labels": OF_EACH})
    retrains.load(limited, LOADED)
    register(limited)
    features, truth = reviewed.records(REVIEWED)
    offsets, _, _ = reviewed.predict(limited, features, reviewed.model_of(limited, 1))
    for first, by in ((0, "ann"), (REVIEWED // 2, "bob")):
        part = slice(first, first + REVIEWED // 2)
        reviewed.review(limited, offsets[part], truth[part], by=by)
    assert register(limited) == 2
    return limited


def _champion(settings: Settings) -> tuple[Champion, frozenset[int]]:
    """The champion, and the reviews that the newest model's training knew."""

    async def read() -> tuple[Champion, frozenset[int]]:
        pool = await open_pool(settings, size=1)
        try:
            snapshot = await read_training_snapshot(pool, KeptLabels())
            assert snapshot.champion is not None
            known = snapshot.newest_ids, snapshot.champion.correction_ids
            newest, champions = (frozenset(i for i in range(1, 1000) if i in ids) for ids in known)
            assert newest == champions, "the newest is the champion"
            return snapshot.champion, newest
        finally:
            pool.terminate()

    return asyncio.run(read())


def test_what_a_training_knew_is_more_than_what_it_used(settings: Settings) -> None:
    (model,) = query(settings, "SELECT * FROM models WHERE version = 2")
    assert len(model["example_ids"]) + len(model["correction_ids"]) == 100
    champion, known = _champion(settings)
    assert champion.example_ids == frozenset(range(1, LOADED + 1))
    assert known == frozenset(range(1, REVIEWED + 1)) - frozenset(model["waiting_ids"])
    assert len(model["waiting_ids"]) == REVIEWED - 2 * OF_EACH
    assert frozenset(model["correction_ids"]) < known
    assert len(champion.keys) == 100, "and it was trained on these"


def test_what_came_since_is_not_known(settings: Settings) -> None:
    retrains.load(settings, 20, prefix="later")
    features, truth = reviewed.records(5, seed=9)
    offsets, _, _ = reviewed.predict(settings, features, reviewed.model_of(settings, 2), activation=2)
    before = _champion(settings)
    reviewed.review(settings, offsets, truth)
    champion, known = _champion(settings)
    assert (champion.example_ids, known) == (frozenset(range(1, LOADED + 1)), before[1])


def test_a_model_of_before_knew_what_it_used(settings: Settings) -> None:
    """A model that an earlier version registered: nothing else is known of its training."""
    query(settings, "UPDATE models SET waiting_ids = NULL, example_cut = 0")
    (model,) = query(settings, "SELECT * FROM models WHERE version = 2")
    champion, known = _champion(settings)
    assert champion.example_ids == frozenset(model["example_ids"])
    assert known == frozenset(model["correction_ids"])
