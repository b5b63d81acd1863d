"""Tables with categories, texts and gaps: trained on, streamed, corrected, retrained, replayed, exported."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable, Set
from pathlib import Path
from typing import NamedTuple

import pytest

from relearn.schemas.features import FeatureSchema
from relearn.schemas.settings import Settings
from relearn.scripts.client.migrations import run_migrations
from tests.support.data import mixed, retrains, texts
from tests.support.data.mixed import write_table
from tests.support.data.models import ensure_keys
from tests.support.data.rows import query
from tests.support.data.texts import write_letters
from tests.support.processes.commands import relearn
from tests.support.processes.workers import workers
from tests.support.waiting import eventually

_STORED = "SELECT features, strings FROM predictions ORDER BY ingested_at DESC LIMIT 1"
_CORRECTED = "SELECT count(*)::int FROM corrections WHERE strings IS NOT NULL AND cardinality(features) = $1"


class Table(NamedTuple):
    """`said`: of its kinds when it is loaded, some of them `given`. column: one of strings; `values`: some of it."""

    write: Callable[[Path, int, int], Path]
    schema: FeatureSchema
    given: str
    said: str
    column: str
    values: Set[str]


TABLES = {
    "categories": Table(
        write_table,
        mixed.SCHEMA,
        "",
        "2 numbers, 2 categories (colour, town); may be missing: colour, age",
        "colour",
        {"red", "green", ""},
    ),
    "texts": Table(
        write_letters,
        texts.SCHEMA,
        'title = "text"',
        "1 numbers, 1 categories (channel), 2 texts (letter, title); may be missing: letter",
        "channel",
        {"mail", "web"},
    ),
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_needs_no_preparation(kind: str, settings: Settings, tmp_path: Path) -> None:
    """Nothing is a dead letter, and every model answers again what it answered."""
    asyncio.run(run_migrations(settings))
    ensure_keys(settings)
    table = TABLES[kind]
    first, live = table.write(tmp_path / "first.csv", 60, 1), table.write(tmp_path / "live.csv", 400, 2)
    kinds = tmp_path / "kinds.toml"
    kinds.write_text(table.given)
    numbers, strings = len(table.schema.numbers), len(table.schema.strings)
    with workers(settings, score=1, store=1, feedback=1, retrain=1):
        trained = relearn(settings, "model", "train", "--data", str(first), "--label", "answer", "--kinds", str(kinds))
        assert trained.returncode == 0, trained.stderr
        assert table.said in trained.stderr
        shown = json.loads(relearn(settings, "schema", "show", "--json").stdout)
        assert [tuple(one.values()) for one in shown["features"]] == [tuple(one) for one in table.schema.features]
        for form, batch in (("packed", "1"), ("named", "20"), ("json", "1")):
            sent = relearn(settings, "produce", str(live), "--label", "answer", "--form", form, "--batch", batch)
            assert sent.returncode == 0, sent.stderr
        eventually(lambda: _count(settings, "predictions") == 1200, "not all records were stored")
        reviewed = relearn(
            settings, "review", "--oracle", str(live), "--label", "answer", "--rate", "60", "--count", "200"
        )
        assert reviewed.returncode == 0, reviewed.stderr
        eventually(lambda: query(settings, _CORRECTED, numbers)[0][0] == 200, "not all reviews were recorded")
        eventually(lambda: len(retrains.models(settings)) > 1, "no model was trained on them")
    (row,) = query(settings, _STORED)
    assert (len(row["features"]), len(row["strings"])) == (numbers, strings)
    assert _count(settings, "dead_letters") == 0
    replayed = relearn(settings, "replay", "--from", "1h", "--model", "1", "--json")
    assert replayed.returncode == 0, replayed.stderr
    assert json.loads(replayed.stdout)["margins"] == {"compared": 1200, "off": 0}
    version = str(retrains.models(settings)[-1][0])
    exported = relearn(settings, "model", "examples", version, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(exported.stdout)))
    assert {"bootstrap", "reviewed"} <= {one["source"] for one in rows}
    assert {one[table.column] for one in rows} >= table.values


def _count(settings: Settings, table: str) -> int:
    return int(query(settings, f"SELECT count(*) FROM {table}")[0][0])
