"""Statements as Postgres plans to read them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from relearn.agents.stores.feedback.reviewer_statements import WITH_SHADOW
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.predictions.partitions import make_partitions
from relearn.schemas.settings import Settings
from tests.support.data.stored import tables

PLACE = ("generation", "kafka_partition", "kafka_offset", "record_index", "ingested_at")
DAY = date(2026, 9, 21)
_ROWS = "0, i % 8, i, 0, '2026-09-21 12:00+00'::timestamptz + i * interval '1 ms'"
_LABELS = f"""
INSERT INTO corrections (feedback, sent_at, sent_partition, sent_offset, via, label, predicted, model, activation, key,
    features, {", ".join(PLACE)})
SELECT 'label-' || i, now(), 0, i, 'audit', 'a', 'a', $1, 1, 'key-' || i, '{{}}', {_ROWS}
FROM generate_series($2::int, $3::int) AS i
"""
_ANSWERS = f"""
INSERT INTO shadow_predictions (model, label, margins, disagrees, {", ".join(PLACE)})
SELECT $1, 'a', '{{}}', false, {_ROWS} FROM generate_series($2::int, $3::int) AS i
"""


def scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The nodes of a plan that read a table."""
    if "Relation Name" in plan:
        yield plan
    for one in plan.get("Plans", ()):
        yield from scans(one)


async def fill(pool: Pool, champion: int, shadow: int, first: int, last: int) -> None:
    """Labels of records that both models have answered."""
    await pool.execute(_LABELS, champion, first, last)
    await pool.execute(_ANSWERS, shadow, first, last)


async def test_a_shadows_answers_are_looked_up_by_their_whole_key(settings: Settings) -> None:
    """Also where both models are newer than the statistics: a plain join would compare all labels with all answers."""
    async with tables(settings) as pool:
        async with pool.acquire() as connection:
            await make_partitions(connection, "shadow_predictions", [DAY])
        await fill(pool, 2, 3, 1, 4000)
        await pool.execute("ANALYZE corrections, shadow_predictions")
        await fill(pool, 6, 7, 4001, 8000)
        query = WITH_SHADOW.replace("$1", "7").replace("$2", "6")
        (plan,) = json.loads(await pool.fetchval(f"EXPLAIN (FORMAT JSON) {query}"))
        (answers,) = (one for one in scans(plan["Plan"]) if one["Relation Name"].startswith("shadow_predictions"))
        assert [column for column in ("model", *PLACE) if f"({column} = " not in answers.get("Index Cond", "")] == []
        async with pool.acquire() as connection:
            assert len(await connection.fetch(WITH_SHADOW, 7, 6)) == 4000
