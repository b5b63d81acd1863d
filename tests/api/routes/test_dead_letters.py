"""Dead letters over HTTP: listed, shown with their original, and redriven."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import msgpack

from relearn.agents.stores.dead_letters import lock_open, store_dead_letters
from relearn.schemas.messages.dead_letters import Cut, DeadLetter
from relearn.schemas.messages.headers import header_text
from relearn.schemas.topics import topic_name
from tests.support.api.client import NOWHERE, Client, serving
from tests.support.data.rows import messages

AT_S = 1_790_000_000.25
MANY = bytes(msgpack.packb({"n": 3, "features": [[1.0], "x", [3.0, 4.0]], "ids": ["a", "b", "c"], "batch": "q"}))


async def stored(
    client: Client,
    *letters: tuple[str, bytes | None],
    index: int = 0,
    topic: str | None = None,
    cut: Cut | None = None,
) -> None:
    """A letter for each reason and value, of offsets from 0."""
    place = {"topic": topic or topic_name(client.settings.namespace, "ingest"), "generation": 1, "partition": 2}
    await store_dead_letters(
        client.context.pool,
        [
            DeadLetter(
                agent="score",
                reason=reason,
                error="why",
                offset=offset,
                indexes=(index,),
                at=AT_S,
                key=b"k\xff",
                value=value,
                original_headers=[("traceparent", b"00-1-2-00")],
                cut=cut,
                **place,  # type: ignore[arg-type]
            )
            for offset, (reason, value) in enumerate(letters)
        ],
    )


def ids(page: dict[str, Any]) -> list[int]:
    return [one["id"] for one in page["items"]]


async def test_letters_come_page_by_page_the_newest_first(client: Client) -> None:
    await stored(client, *[("text", b"x")] * 3)
    first = await client.json("GET", "/v1/dead-letters?limit=2")
    assert ids(first) == [3, 2]
    last = await client.json("GET", "/v1/dead-letters", params={"limit": "2", "cursor": first["next"]})
    assert (ids(last), last["next"]) == ([1], None)
    assert last["items"][0] == {
        "id": 1,
        "agent": "score",
        "topic": topic_name(client.settings.namespace, "ingest"),
        "place": "1-2-0-0",
        "reason": "text",
        "error": "why",
        "at": "2026-09-21T14:13:20.250000+00:00",
        "redriven_at": None,
    }


async def test_letters_are_filtered_by_reason_and_by_whether_they_are_open(client: Client) -> None:
    await stored(client, ("text", b"x"), ("names", b"x"), ("text", b"x"))
    await client.json("POST", "/v1/dead-letters/3/redrive", status=202)
    assert ids(await client.json("GET", "/v1/dead-letters?reason=text")) == [3, 1]
    assert ids(await client.json("GET", "/v1/dead-letters?reason=text&open=true")) == [1]
    assert ids(await client.json("GET", "/v1/dead-letters?open=false")) == [3]
    first = await client.json("GET", "/v1/dead-letters?limit=1")
    assert await client.problem("GET", f"/v1/dead-letters?reason=text&cursor={first['next']}", 400) == "malformed"


async def test_a_letter_shows_the_record_at_fault_and_the_bytes_that_it_stood_in(client: Client) -> None:
    await stored(client, ("invalid", MANY), index=1)
    original = (await client.json("GET", "/v1/dead-letters/1"))["original"]
    assert original["record"] == {"features": "x", "id": "b", "batch": "q"}
    assert base64.b64decode(original["value"]["base64"]) == MANY
    assert (original["value"]["size_bytes"], original["value"]["cut"]) == (len(MANY), False)
    assert base64.b64decode(original["key"]["base64"]) == b"k\xff"
    assert original["headers"] == [{"name": "traceparent", "value": "00-1-2-00"}]


async def test_a_letter_that_holds_a_part_of_its_message_shows_what_is_known_of_all_of_it(client: Client) -> None:
    """It can't be sent again where Kafka doesn't have the message any more."""
    await stored(client, ("unreadable", b"head"), cut=Cut(12_000_000, bytes(32), 5_000, 100))
    original = (await client.json("GET", "/v1/dead-letters/1"))["original"]
    assert original["cut"] == {
        "value_bytes": 12_000_000,
        "value_sha256": "00" * 32,
        "key_bytes": 5_000,
        "headers": 100,
    }
    assert (original["value"]["size_bytes"], original["value"]["cut"]) == (12_000_000, True)
    assert base64.b64decode(original["value"]["base64"]) == b"head"
    assert (original["key"]["size_bytes"], original["key"]["cut"]) == (5_000, True)
    async with client.http.post("/v1/dead-letters/1/redrive") as response:
        detail = (await response.json(content_type=None))["detail"]
        assert (response.status, "its original is no longer in Kafka" in detail) == (409, True)


VALUES: tuple[tuple[bytes | None, object], ...] = (
    (None, None),
    (b"", None),
    (b"\xc1\x00\xff", None),
    (b"{" * 900, None),
    (b'{"a": [1e999, "\\ud800", ' + b"1" * 400 + b"]}", {"a": ["inf", "\\xd800", int("1" * 400)]}),
    (bytes(msgpack.packb({"features": [float("nan")], 7: b"\0"})), {"features": ["nan"], "7": {"hex": "00"}}),
    (b'{"a": "' + b"x" * (1024 * 1024) + b'"}', None),
)


async def test_any_value_can_be_shown(client: Client) -> None:
    """At most 64 kB of any original."""
    await stored(client, *[("unreadable", value) for value, _ in VALUES])
    for number, (value, record) in enumerate(VALUES, 1):
        original = (await client.json("GET", f"/v1/dead-letters/{number}"))["original"]
        assert original["record"] == record
        shown = None if original["value"] is None else base64.b64decode(original["value"]["base64"])
        assert shown == (None if value is None else value[: 64 * 1024])
        assert (original["value"] or {"cut": False})["cut"] == (len(value or b"") > 64 * 1024)


async def test_a_letter_is_sent_again_once_and_marked(client: Client) -> None:
    """Only the record at fault, with its former place."""
    await stored(client, ("invalid", MANY), index=1)
    answer = await client.json("POST", "/v1/dead-letters/1/redrive", status=202)
    assert answer == {"acknowledged": 1, "refused": [], "next": None}
    (message,) = await asyncio.to_thread(messages, client.settings, "ingest")
    assert msgpack.unpackb(message.value()) == {"features": "x", "id": "b", "batch": "q"}
    assert header_text(message.headers() or [], "redrive-of") == "1-2-0-1"
    assert (await client.json("GET", "/v1/dead-letters/1"))["redriven_at"] is not None
    assert await client.problem("POST", "/v1/dead-letters/1/redrive", 409) == "conflict"
    assert len(await asyncio.to_thread(messages, client.settings, "ingest")) == 1


async def test_what_somebody_else_sends_at_this_moment_is_a_conflict(client: Client) -> None:
    await stored(client, ("text", b"x"), ("text", b"y"))
    async with client.context.pool.acquire() as other, other.transaction():
        await lock_open(other, [1])
        assert await client.problem("POST", "/v1/dead-letters/1/redrive", 409) == "conflict"
        answer = await client.json("POST", "/v1/redrive", status=202, json={})
        assert answer == {"acknowledged": 1, "refused": [], "next": None}


async def test_all_of_a_reason_are_sent_again_in_one_call(client: Client) -> None:
    await stored(client, *[("text", b"x")] * 450, ("names", b"y"))
    answer = await client.json("POST", "/v1/redrive", status=202, json={"reason": "text"})
    assert answer == {"acknowledged": 450, "refused": [], "next": None}
    assert len(await asyncio.to_thread(messages, client.settings, "ingest")) == 450
    assert ids(await client.json("GET", "/v1/dead-letters?open=true")) == [451]


async def test_a_call_sends_so_many_and_says_where_to_go_on(client: Client) -> None:
    """Dead letters that can't be redriven don't hold up the following ones."""
    await stored(client, *[("text", b"x")] * 1000, topic="others.ingest")
    await stored(client, ("text", b"y"))
    first = await client.json("POST", "/v1/redrive", status=202, json={})
    assert (first["acknowledged"], len(first["refused"]), first["next"]) == (0, 1000, 1000)
    assert first["refused"][0] == {"id": 1, "detail": "nothing is sent to others.ingest again"}
    second = await client.json("POST", "/v1/redrive", status=202, json={"after": first["next"]})
    assert second == {"acknowledged": 1, "refused": [], "next": None}
    assert await client.problem("POST", "/v1/dead-letters/1/redrive", 409) == "conflict"


async def test_large_letters_go_a_few_at_a_time(client: Client) -> None:
    await stored(client, *[("text", bytes(3 * 1024 * 1024))] * 5)
    answer = await client.json("POST", "/v1/redrive", status=202, json={})
    assert answer == {"acknowledged": 5, "refused": [], "next": None}


async def test_while_kafka_is_away_nothing_is_marked(client: Client) -> None:
    await stored(client, ("text", b"x"))
    async with serving(client.settings, kafka_brokers=(NOWHERE,)) as other:
        assert await other.problem("POST", "/v1/dead-letters/1/redrive", 503) == "unavailable"
        assert await other.problem("POST", "/v1/redrive", 503, json={}) == "unavailable"
        assert ids(await other.json("GET", "/v1/dead-letters?open=true")) == [1]


WRONG: tuple[tuple[str, str, object, int], ...] = (
    ("GET", "/v1/dead-letters/1", None, 404),
    ("GET", f"/v1/dead-letters/{2**63 - 1}", None, 404),
    ("POST", "/v1/dead-letters/1/redrive", None, 404),
    ("GET", f"/v1/dead-letters/{2**63}", None, 400),
    ("GET", "/v1/dead-letters/redrive", None, 400),
    ("GET", "/v1/dead-letters/%00", None, 400),
    ("POST", f"/v1/dead-letters/{'9' * 5000}/redrive", None, 400),
    ("GET", "/v1/dead-letters?reason=a%00", None, 400),
    ("GET", f"/v1/dead-letters?reason={'x' * 257}", None, 400),
    ("GET", "/v1/dead-letters?open=maybe", None, 400),
    ("POST", "/v1/redrive", {"reason": "a\0"}, 422),
    ("POST", "/v1/redrive", {"after": 2**63}, 422),
    ("POST", "/v1/redrive", {"all": True}, 422),
    ("POST", "/v1/redrive", [], 422),
)


async def test_what_is_not_there_or_can_not_be_is_said(client: Client) -> None:
    kinds = {404: "not-found", 400: "malformed", 422: "invalid"}
    for method, path, body, status in WRONG:
        assert await client.problem(method, path, status, json=body) == kinds[status]
