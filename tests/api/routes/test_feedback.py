"""Feedback over HTTP, as the feedback worker reads it: ids, reviewer and `via`."""

from __future__ import annotations

import asyncio
from typing import Any

from relearn.api.http.call import Caller
from relearn.api.review.served_via import remember_served
from relearn.api.writes.feedback import reviewer_of
from relearn.schemas.identity import Place
from relearn.schemas.messages.feedback import Feedback, decode_feedback
from relearn.schemas.messages.headers import header_text
from tests.support.api.client import Client
from tests.support.data.rows import messages
from tests.support.servers.embedded import Servers

SAY = ("POST", "/v1/feedback")


async def said(client: Client) -> list[Any]:
    """The messages on `feedback`."""
    return list(await asyncio.to_thread(messages, client.settings, "feedback"))


async def statements(client: Client) -> dict[str, Feedback]:
    """The decoded messages by id."""
    found = [decode_feedback(one.value()) for one in await said(client)]
    return {one.id: one for one in found}


async def test_one_statement_stands_on_the_topic_as_it_was_said(client: Client) -> None:
    body = {"id": "f-1", "prediction": "2-1-0", "record": "r", "label": "malignant", "reviewer": "ann", "comment": "é"}
    answer = await client.json(*SAY, status=202, json=body)
    assert answer == {"ids": ["f-1"], "id": "f-1"}
    (message,) = await said(client)
    told = Feedback("f-1", "malignant", Place(0, 2, 1, 0), "r", "ann", "volunteer", "é")
    assert decode_feedback(message.value()) == told
    assert header_text(message.headers(), "ce_type") == "relearn.feedback.v1"
    assert header_text(message.headers(), "ce_id") == "f-1"


async def test_an_id_may_be_used_by_several_reviewers(client: Client) -> None:
    """In one request too; twice by one reviewer is a mistake."""
    both = [{"id": "1", "record": "r", "label": label, "reviewer": label} for label in ("ann", "bob")]
    await client.json(*SAY, status=202, json={"feedback": both})
    assert [decode_feedback(one.value()).scope for one in await said(client)] == ["reviewer:ann", "reviewer:bob"]
    await client.json(*SAY, status=422, json={"feedback": [both[0], both[0]]})


async def test_many_are_taken_in_order_with_ids_of_their_own(client: Client) -> None:
    labels = ["a", 3, 3.0, 0.5, None, "3.0"]
    body = {"feedback": [{"record": f"r-{i}", "label": label} for i, label in enumerate(labels)]}
    answer = await client.json(*SAY, status=202, json=body)
    assert set(answer) == {"ids"}
    found = await statements(client)
    assert [found[one].label for one in answer["ids"]] == ["a", "3", "3", "0.5", None, "3.0"]
    assert [found[one].record for one in answer["ids"]] == [f"r-{i}" for i in range(6)]


async def test_what_is_said_of_one_prediction_stays_in_order(client: Client) -> None:
    body = {"feedback": [{"id": str(i), "prediction": f"0-{i % 7}-0", "label": str(i)} for i in range(700)]}
    await client.json(*SAY, status=202, json=body)
    by_prediction: dict[bytes, list[tuple[int, int]]] = {}
    places: dict[bytes, set[int]] = {}
    for one in await said(client):
        by_prediction.setdefault(one.key(), []).append((one.offset(), int(decode_feedback(one.value()).id)))
        places.setdefault(one.key(), set()).add(one.partition())
    assert set(by_prediction) == {f"0-{i}-0".encode() for i in range(7)}
    assert all(len(partitions) == 1 for partitions in places.values())
    assert all(
        [number for _, number in sorted(found)] == sorted(n for _, n in found) for found in by_prediction.values()
    )


async def test_the_server_says_how_it_came_to_a_review(client: Client) -> None:
    """The sender can only choose `volunteer`."""
    served = {Place(0, 0, i, 0): via for i, via in enumerate(("audit", "queue", "disagree", "audit"))}
    await remember_served(client.context.redis, client.settings.namespace, served)  # type: ignore[arg-type]
    told = ["audit", None, "audit", "volunteer", "audit"]
    body = {
        "feedback": [
            {"id": str(i), "prediction": f"0-{i}-0", "label": "1", **({"via": via} if via else {})}
            for i, via in enumerate(told)
        ]
    }
    body["feedback"].append({"id": "5", "record": "r", "label": "1", "via": "audit"})
    await client.json(*SAY, status=202, json=body)
    found = await statements(client)
    assert [found[str(i)].via for i in range(6)] == [
        "audit",
        "queue",
        "disagree",
        "volunteer",
        "volunteer",
        "volunteer",
    ]


async def test_with_redis_away_everybody_is_a_volunteer(client: Client, servers: Servers) -> None:
    place = Place(0, 0, 1, 0)
    await remember_served(client.context.redis, client.settings.namespace, {place: "audit"})
    with servers.valkey.away():
        await client.json(*SAY, status=202, json={"id": "f", "prediction": str(place), "label": "1"})
    assert (await statements(client))["f"].via == "volunteer"


def test_a_key_speaks_under_its_own_name() -> None:
    assert reviewer_of(Caller("review", "k-1", "ann"), "bob") == "ann"
    assert reviewer_of(Caller("admin"), "bob") == "bob"


ABOUT = {"prediction": "0-1-0"}
WRONG: list[tuple[Any, str]] = [
    ({}, ""),
    ({"label": "1"}, ""),
    (ABOUT, ""),
    ({**ABOUT, "label": ""}, "label"),
    ({**ABOUT, "label": True}, "label"),
    ({**ABOUT, "label": "a\0"}, "label"),
    ({**ABOUT, "label": "é" * 129}, "label"),
    ({**ABOUT, "label": 10**400}, "label"),
    ({**ABOUT, "label": 1e300}, "label"),
    ({"prediction": "1-2", "label": "1"}, "prediction"),
    ({"prediction": "0-9999999999999999999-0", "label": "1"}, "prediction"),
    ({"prediction": "9999999999-0-0", "label": "1"}, "prediction"),
    ({"record": "", "label": "1"}, "record"),
    ({**ABOUT, "label": "1", "id": ""}, "id"),
    ({**ABOUT, "label": "1", "comment": "é" * 129}, "comment"),
    ({**ABOUT, "label": "1", "via": "shadow"}, "via"),
    ({**ABOUT, "label": "1", "at": 3}, ""),
    ({"feedback": []}, "feedback"),
    ({"feedback": [{**ABOUT, "label": "1"}], "label": "1"}, ""),
    ({"feedback": [{**ABOUT, "label": "1"}], "reviewer": "ann"}, ""),
    ({"feedback": [{**ABOUT, "label": "1"}, ABOUT]}, "feedback[1]"),
    ({"feedback": [{**ABOUT, "label": "1"}, {**ABOUT, "label": "1", "record": "é" * 129}]}, "feedback[1].record"),
    ({"feedback": [{**ABOUT, "label": "1", "id": "a"}, {**ABOUT, "label": "0", "id": "a"}]}, "feedback[0].id"),
    ({"feedback": [{**ABOUT, "label": "1"}] * 1_001}, "feedback"),
]


async def test_what_is_wrong_is_named_and_nothing_is_said(client: Client) -> None:
    for body, field in WRONG:
        problem = await client.json(*SAY, status=422, json=body)
        assert problem["errors"][0]["field"] == field, (body, problem)
    assert await said(client) == []
