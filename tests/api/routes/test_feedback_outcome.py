"""The outcome of feedback: recorded, waiting, or a dead letter."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

import numpy as np

from relearn.agents.stores.dead_letters import mark_redriven, store_dead_letters
from relearn.schemas.messages.dead_letters import DeadLetter
from relearn.schemas.messages.feedback import encode_feedback
from tests.support.api.client import Client
from tests.support.api.filled import review, say, store
from tests.support.data.blocks import block_of
from tests.support.data.feedbacks import APPENDED_MS, feedback
from tests.support.servers.embedded import Servers


def letter(feedback_id: str, offset: int, *, reason: str = "unknown") -> DeadLetter:
    value = encode_feedback(feedback(feedback_id, prediction="0-9-0"))
    place = "feedback", 0, 0, offset, (0,)
    return DeadLetter("feedback", reason, "there is no prediction 0-9-0", *place, at=1e9, key=None, value=value)


async def test_recorded_feedback_says_what_it_is_about_and_whether_it_counts(client: Client) -> None:
    """A reviewer's own later statement comes before those of others."""
    pool = client.context.pool
    await store(pool, block_of(1, ids=["r"], labels=np.array([1], np.int16)))
    await say(pool, feedback("f0", "0", record="r", reviewer="ann", via="audit", comment="sure"))
    answer = await client.json("GET", "/v1/feedback/f0")
    assert answer.pop("stored_at") > "2026"
    assert answer == {
        "state": "recorded",
        "id": "f0",
        "prediction": "0-0-0",
        "predicted": "1",
        "label": "0",
        "reviewer": "ann",
        "via": "audit",
        "comment": "sure",
        "record": "r",
        "at": datetime.fromtimestamp(APPENDED_MS / 1000, UTC).isoformat(),
        "superseded_by": None,
    }
    await review(pool, 1, "0-0-0", "1", reviewer="ann")
    await review(pool, 2, "0-0-0", "0", reviewer="bob")
    outcomes = [await client.json("GET", f"/v1/feedback/f{n}") for n in range(3)]
    assert [one["superseded_by"] for one in outcomes] == ["f1", "f2", None]


async def test_a_withdrawal_counts_until_its_reviewer_speaks_again(client: Client) -> None:
    """Others' statements don't supersede it; the label that it took back no longer supersedes another's."""
    pool = client.context.pool
    await store(pool, block_of(1))
    for number, (reviewer, label) in enumerate([("bob", "0"), ("ann", "1"), ("ann", None)]):
        await review(pool, number, "0-0-0", label, reviewer=reviewer)
    outcomes = [await client.json("GET", f"/v1/feedback/f{n}") for n in range(3)]
    assert [one["superseded_by"] for one in outcomes] == [None, "f2", None]
    await review(pool, 3, "0-0-0", "1", reviewer="ann")
    assert (await client.json("GET", "/v1/feedback/f2"))["superseded_by"] == "f3"


async def test_feedback_that_waits_says_for_what(client: Client) -> None:
    await say(client.context.pool, feedback("f", "1", record="later", reviewer="ann", via="queue"))
    answer = await client.json("GET", "/v1/feedback/f")
    assert answer.pop("since") > "2026"
    assert answer == {
        "state": "waiting",
        "id": "f",
        "prediction": None,
        "record": "later",
        "label": "1",
        "reviewer": "ann",
        "via": "queue",
        "at": datetime.fromtimestamp(APPENDED_MS / 1000, UTC).isoformat(),
    }


async def test_feedback_that_could_not_be_used_says_why(client: Client) -> None:
    """The newest dead letter, if a redrive failed; once recorded, the statement."""
    pool = client.context.pool
    await store_dead_letters(pool, [letter("f", 0)])
    await mark_redriven(pool, 1, 2e9)
    answer = await client.json("GET", "/v1/feedback/f")
    assert answer == {
        "state": "dead-letter",
        "id": "f",
        "dead_letter": 1,
        "reason": "unknown",
        "error": "there is no prediction 0-9-0",
        "at": "2001-09-09T01:46:40+00:00",
        "redriven_at": "2033-05-18T03:33:20+00:00",
    }
    await store_dead_letters(pool, [letter("f", 1, reason="refused")])
    answer = await client.json("GET", "/v1/feedback/f")
    assert (answer["reason"], answer["redriven_at"]) == ("refused", None)
    await store(pool, block_of(10))
    await say(pool, feedback("f", "1", prediction="0-9-0"))
    assert (await client.json("GET", "/v1/feedback/f"))["state"] == "recorded"


async def test_an_id_may_be_any_text(client: Client) -> None:
    ids = ["a/b", "ü€", " ", "?", "%2F", ".", "x" * 256]
    await store(client.context.pool, block_of(1))
    await say(client.context.pool, *(feedback(one, "1", prediction="0-0-0") for one in ids))
    for one in ids:
        if one != ".":  # which every client of HTTP takes out of a path
            assert (await client.json("GET", f"/v1/feedback/{quote(one, safe='')}"))["id"] == one
    for path, status in (("unknown", 404), ("a%00b", 400), ("x" * 257, 400), ("%FF", 404)):
        await client.json("GET", f"/v1/feedback/{path}", status=status)


async def test_an_outcome_without_postgres_is_503(client: Client, servers: Servers) -> None:
    with servers.postgres.away():
        await client.json("GET", "/v1/feedback/f", status=503)


async def test_one_id_of_several_senders_needs_the_reviewers_name(client: Client) -> None:
    """Recorded, waiting and dead feedback alike."""
    pool = client.context.pool
    await store(pool, block_of(1))
    await say(pool, feedback("1", "0", prediction="0-0-0", reviewer="ann"))
    assert (await client.json("GET", "/v1/feedback/1"))["reviewer"] == "ann"
    await say(pool, feedback("1", "1", prediction="0-0-0", reviewer="bob"))
    await say(pool, feedback("1", "1", record="later", reviewer="cid"))
    value = encode_feedback(feedback("1", "x", prediction="0-9-0", reviewer="dan"))
    place = "feedback", 0, 0, 7, (0,)
    await store_dead_letters(pool, [DeadLetter("feedback", "unknown", "?", *place, at=1e9, key=None, value=value)])
    problem = await client.json("GET", "/v1/feedback/1", status=409)
    assert "4 senders used this id" in problem["detail"]
    found = [await client.json("GET", f"/v1/feedback/1?reviewer={name}") for name in ("ann", "bob", "cid", "dan")]
    assert [one["state"] for one in found] == ["recorded", "recorded", "waiting", "dead-letter"]
    await client.json("GET", "/v1/feedback/1?reviewer=eve", status=404)
