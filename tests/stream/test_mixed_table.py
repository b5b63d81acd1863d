"""A table with categories and gaps, as it comes: trained on, streamed, corrected, retrained, replayed, exported."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from pathlib import Path

from relearn.schemas.settings import Settings
from relearn.scripts.client.migrations import run_migrations
from tests.support.data import retrains
from tests.support.data.mixed import SCHEMA, write_table
from tests.support.data.models import ensure_keys
from tests.support.data.rows import query
from tests.support.processes.commands import relearn
from tests.support.processes.workers import workers
from tests.support.waiting import eventually

_STORED = "SELECT features, strings FROM predictions ORDER BY ingested_at DESC LIMIT 1"
_CORRECTED = "SELECT count(*)::int FROM corrections WHERE strings IS NOT NULL AND cardinality(features) = 2"


def test_a_table_needs_no_preparation(settings: Settings, tmp_path: Path) -> None:
    """Nothing is a dead letter, and every model answers again what it answered."""
    asyncio.run(run_migrations(settings))
    ensure_keys(settings)
    first, live = write_table(tmp_path / "first.csv", 60, seed=1), write_table(tmp_path / "live.csv", 400, seed=2)
    with workers(settings, score=1, store=1, feedback=1, retrain=1):
        trained = relearn(settings, "model", "train", "--data", str(first), "--label", "answer")
        assert trained.returncode == 0, trained.stderr
        assert "2 numbers, 2 categories (colour, town); may be missing: colour, age" in trained.stderr
        shown = json.loads(relearn(settings, "schema", "show", "--json").stdout)
        assert [tuple(one.values()) for one in shown["features"]] == [tuple(one) for one in SCHEMA.features]
        for form, batch in (("packed", "1"), ("named", "20"), ("json", "1")):
            sent = relearn(settings, "produce", str(live), "--label", "answer", "--form", form, "--batch", batch)
            assert sent.returncode == 0, sent.stderr
        eventually(lambda: _count(settings, "predictions") == 1200, "not all records were stored")
        reviewed = relearn(
            settings, "review", "--oracle", str(live), "--label", "answer", "--rate", "60", "--count", "200"
        )
        assert reviewed.returncode == 0, reviewed.stderr
        eventually(lambda: query(settings, _CORRECTED)[0][0] == 200, "not all reviews were recorded")
        eventually(lambda: len(retrains.models(settings)) > 1, "no model was trained on them")
    (row,) = query(settings, _STORED)
    assert (len(row["features"]), len(row["strings"])) == (2, 2)
    assert _count(settings, "dead_letters") == 0
    replayed = relearn(settings, "replay", "--from", "1h", "--model", "1", "--json")
    assert replayed.returncode == 0, replayed.stderr
    assert json.loads(replayed.stdout)["margins"] == {"compared": 1200, "off": 0}
    version = str(retrains.models(settings)[-1][0])
    exported = relearn(settings, "model", "examples", version, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(exported.stdout)))
    assert {"bootstrap", "reviewed"} <= {one["source"] for one in rows}
    assert {one["colour"] for one in rows} >= {"red", "green", ""}


def _count(settings: Settings, table: str) -> int:
    return int(query(settings, f"SELECT count(*) FROM {table}")[0][0])
