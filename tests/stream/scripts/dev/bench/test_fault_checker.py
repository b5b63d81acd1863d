"""The checker of the fault suite finds what it is there for: each kind of damage, on the row where it was done."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from relearn.agents.stores.postgres import open_pool
from relearn.agents.stores.predictions.insert import store_blocks
from relearn.schemas.settings import Settings
from relearn.scripts.dev.bench.faults.checker import Checker, Findings
from relearn.scripts.dev.bench.faults.ledger import FEATURES, At, Ledger, Special, features_of
from relearn.scripts.dev.bench.faults.probe import Probe
from tests.support.data.blocks import NOON_S, block_of
from tests.support.data.models import a_model
from tests.support.data.rows import query

RECORDS = 10
MODEL = a_model(1, d=FEATURES)
_COPY = """
INSERT INTO predictions SELECT generation, kafka_partition, {offset}, record_index, {id}, subject, batch, context,
    features, label, margins, confidence, model, activation, ingested_at + interval '1 ms', scored_at, stored_at
FROM predictions WHERE kafka_offset = $1
"""
_LETTER = """
INSERT INTO dead_letters (agent, topic, generation, kafka_partition, kafka_offset, record_index, reason, error, headers,
    at)
VALUES ('score', $1, 0, 0, $2, 0, 'names', '', '[]', now())
"""


async def _store(settings: Settings) -> None:
    features = np.stack([features_of(number) for number in range(RECORDS)])
    margins = features @ MODEL.weights.T + MODEL.bias
    labels = (margins[:, 0] > 0).astype(np.int16)
    ids = [str(number) for number in range(RECORDS)]
    block = block_of(RECORDS, features=features, margins=margins, labels=labels, ids=ids, classes=MODEL.classes)
    pool = await open_pool(settings, size=1)
    try:
        await store_blocks(pool, [block], topic=f"{settings.namespace}.ingest", retention_days=30, now_s=NOON_S)
    finally:
        pool.terminate()


@pytest.fixture
def probe(migrated: Settings):  # type: ignore[no-untyped-def]
    asyncio.run(_store(migrated))
    found = Probe(migrated)
    yield found
    found.close()


def _ledger(topic_id: str) -> Ledger:
    ledger = Ledger()
    ledger.models[1] = 1
    for number in range(RECORDS):
        ledger.add_plain(topic_id, 0, number, number)
    return ledger


def _check(probe: Probe, ledger: Ledger) -> Findings:
    return Checker(probe, ledger, {1: MODEL}).check({})


def test_the_checker_finds_every_kind_of_damage(migrated: Settings, probe: Probe) -> None:
    topic_id = probe.topic_id("ingest")
    whole = _check(probe, _ledger(topic_id))
    assert (whole.problems(), whole.acknowledged, whole.rows) == ({}, RECORDS, RECORDS)

    query(migrated, "DELETE FROM predictions WHERE kafka_offset = 0")
    query(migrated, _COPY.format(offset="kafka_offset", id="id"), 1)
    query(migrated, _COPY.format(offset="99", id="'99'"), 2)
    query(migrated, "UPDATE predictions SET label = CASE label WHEN '0' THEN '1' ELSE '0' END WHERE kafka_offset = 3")
    query(migrated, "UPDATE predictions SET model = 2 WHERE kafka_offset = 4")
    query(migrated, "UPDATE predictions SET id = 'x' WHERE kafka_offset = 5")
    query(migrated, _LETTER, f"{migrated.namespace}.ingest", 6)
    ledger = _ledger(topic_id)
    refused = {0: frozenset({"text"})}
    ledger.add_special(At(topic_id, 0, 20), Special("unread", "ingest", b"", refused=refused))
    query(migrated, _LETTER, f"{migrated.namespace}.ingest", 21)
    ledger.add_special(At(topic_id, 0, 21), Special("another reason", "ingest", b"", refused=refused))
    query(migrated, _LETTER, f"{migrated.namespace}.ingest", 22)

    found = _check(probe, ledger)
    assert found.lost == ["0-0-0-0", "0-0-20-0 (unread)"]
    assert found.twice == ["0-0-1-0: 2 rows, 0 dead letters", "0-0-6-0: 1 rows, 1 dead letters", "record 1 has 2 rows"]
    assert [text.split(":")[0] for text in found.changed] == ["0-0-4-0", "0-0-5-0", "0-0-3-0"]
    assert found.refusals == ["0-0-6-0 is refused: names", "0-0-21-0 (another reason): names, not ['text']"]
    assert [text.split(":")[0] for text in found.foreign] == ["a row at 0-0-99-0", found.foreign[1].split(":")[0]]
    assert "22" in found.foreign[1]
    assert found.totals == [f"0-0: {RECORDS + 1} rows, totals {RECORDS}"]
