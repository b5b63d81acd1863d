"""Records without feedback, read from Postgres: the champion's latest, and whether these are all."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from relearn.agents.learning.snapshot import Unreviewed
from relearn.agents.stores.postgres import open_pool
from relearn.agents.stores.predictions import unreviewed
from relearn.agents.stores.predictions.unreviewed import read_unreviewed
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from tests.support.data import reviewed
from tests.support.data.models import a_model


def _read(settings: Settings, version: int, *, all_or_none: bool = False) -> Unreviewed:
    async def run() -> Unreviewed:
        pool = await open_pool(settings, size=1)
        try:
            ingest = topic_name(settings.namespace, "ingest")
            return await read_unreviewed(pool, version, ingest=ingest, all_or_none=all_or_none)
        finally:
            pool.terminate()

    return asyncio.run(run())


def _ids(offsets: list[int]) -> list[str]:
    return [f"0-{offset}-0" for offset in sorted(offsets, reverse=True)]


def test_the_champions_records_are_read_but_those_that_somebody_spoke_of(migrated: Settings) -> None:
    features, _ = reviewed.records(12)
    reviewed.predict(migrated, features[:5], a_model(1, d=4))
    offsets, answers, _ = reviewed.predict(migrated, features[5:], a_model(2, d=4), activation=2)
    reviewed.review(migrated, offsets[:2], ["yes", None])
    found = _read(migrated, 2)
    assert [example.id for example in found.examples] == _ids(offsets[2:])
    assert [example.label for example in found.examples] == answers[:1:-1]
    assert np.array_equal([example.features for example in found.examples], features[:6:-1])
    assert found.complete


@pytest.mark.parametrize(("own", "complete"), [(5, True), (6, False), (7, False)])
def test_where_the_champion_has_more_than_are_looked_at_it_says_so(
    migrated: Settings, monkeypatch: pytest.MonkeyPatch, own: int, complete: bool
) -> None:
    """Also if the last one has feedback."""
    monkeypatch.setattr(unreviewed, "UNREVIEWED_MAX", 6)
    monkeypatch.setattr(unreviewed, "_LEAST_PER_PARTITION", 6)
    features, _ = reviewed.records(4 + own)
    reviewed.predict(migrated, features[:4], a_model(1, d=4))
    offsets, _, _ = reviewed.predict(migrated, features[4:], a_model(2, d=4), activation=2)
    reviewed.review(migrated, offsets[-6:-5], ["yes"])
    found = _read(migrated, 2)
    assert found.complete == complete
    assert len(found.examples) == 5
    assert len(_read(migrated, 2, all_or_none=True).examples) == (5 if complete else 0)


def test_before_anything_was_scored_there_is_nothing_and_that_is_all(migrated: Settings) -> None:
    assert _read(migrated, 1) == Unreviewed([], complete=True)
