"""Reviewers: totals and agreement."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from relearn.agents.stores.feedback.trust import distrust_senders, trust_sender
from tests.api.routes.test_predictions import pages
from tests.support.api.client import Client
from tests.support.api.filled import review, store
from tests.support.data.blocks import block_of
from tests.support.data.feedbacks import APPENDED_MS
from tests.support.servers.embedded import Servers


async def test_reviewers_are_counted_and_compared(client: Client) -> None:
    """By latest statements: a label is compared with those of others on the same prediction."""
    pool = client.context.pool
    await store(pool, block_of(3, classes=("no", "yes"), labels=np.array([1, 1, 1], np.int16)))
    said = [
        ("0-0-0", "no", "ann"),
        ("0-0-0", "yes", "ann"),
        ("0-0-0", "yes", "bob"),
        ("0-0-0", "no", None),
        ("0-1-0", "no", "ann"),
        ("0-1-0", "no", "bob"),
        ("0-1-0", None, "bob"),
        ("0-2-0", "yes", "bob"),
        ("0-2-0", "no", "eve"),
    ]
    for number, (prediction, label, reviewer) in enumerate(said):
        await review(pool, number, prediction, label, reviewer=reviewer)
    found = await pages(client, "/v1/reviewers", limit=3)
    assert [len(page) for page in found] == [3, 1]
    names = ("reviewer", "said", "corrections", "confirmations", "withdrawals", "compared", "agreed", "agreement")
    assert [tuple(item[name] for name in names) for page in found for item in page] == [
        ("eve", 1, 1, 0, 0, 1, 0, 0.0),
        ("bob", 4, 1, 2, 1, 3, 1, pytest.approx(1 / 3)),
        ("ann", 3, 2, 1, 0, 2, 1, 0.5),
        (None, 1, 1, 0, 0, 2, 0, 0.0),
    ]
    newest = found[0][0]
    assert (
        newest["first_at"] == newest["last_at"] == datetime.fromtimestamp(APPENDED_MS / 1000 + 0.008, UTC).isoformat()
    )


async def test_a_trusted_reviewer_is_marked(client: Client) -> None:
    pool = client.context.pool
    await store(pool, block_of(2, classes=("no", "yes"), labels=np.array([1, 1], np.int16)))
    for number, reviewer in enumerate(["feed", "ann", None]):
        await review(pool, number, "0-0-0", "yes", reviewer=reviewer)
    await trust_sender(pool, "feed", by="tests")

    async def trusted() -> dict[str, bool]:
        found = await client.json("GET", "/v1/reviewers")
        return {item["reviewer"]: item["trusted"] for item in found["items"]}

    assert await trusted() == {"feed": True, "ann": False, None: False}
    await distrust_senders(pool, "feed")
    assert await trusted() == {"feed": False, "ann": False, None: False}


async def test_without_anybody_there_are_no_reviewers(client: Client) -> None:
    assert await client.json("GET", "/v1/reviewers") == {"items": [], "next": None}
    for query in ({"cursor": "AQ"}, {"limit": "0"}, {"reviewer": "ann"}):
        await client.json("GET", "/v1/reviewers", status=400, params=query)


async def test_postgres_away_is_503(client: Client, servers: Servers) -> None:
    with servers.postgres.away():
        await client.json("GET", "/v1/reviewers", status=503)
