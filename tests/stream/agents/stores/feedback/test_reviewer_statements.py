"""Statements as Postgres plans to read them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from relearn.agents.stores.feedback.reviewer_statements import WITH_SHADOW
from relearn.agents.stores.predictions.partitions import make_partitions
from relearn.schemas.settings import Settings
from tests.support.data.stored import tables

KEY = ("model", "generation", "kafka_partition", "kafka_offset", "record_index", "ingested_at")


def scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The nodes of a plan that read a table."""
    if "Relation Name" in plan:
        yield plan
    for one in plan.get("Plans", ()):
        yield from scans(one)


async def test_a_shadows_answers_are_looked_up_by_their_whole_key(settings: Settings) -> None:
    """Whatever the statistics are: of models that are in none, a join would compare all labels with all answers."""
    async with tables(settings) as pool:
        async with pool.acquire() as connection, connection.transaction():
            await make_partitions(connection, "shadow_predictions", [date(2026, 9, 21)])
        query = WITH_SHADOW.replace("$1", "7").replace("$2", "6")
        (plan,) = json.loads(await pool.fetchval(f"EXPLAIN (FORMAT JSON) {query}"))
        answers = [one for one in scans(plan["Plan"]) if one["Relation Name"].startswith("shadow_predictions")]
        assert answers
        for one in answers:
            assert [column for column in KEY if f"({column} = " not in one["Index Cond"]] == []
