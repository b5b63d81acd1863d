"""Live events from the stream in Redis to clients: in order, resumed, bounded, and freed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession, web

from relearn.agents.stores.live.events import KEPT, put_events, stream_key
from relearn.agents.stores.redis import Redis, open_redis
from relearn.api.events.client_queue import MAX_WAITING_BYTES
from relearn.api.http.context import CONTEXT
from relearn.api.server.app import make_app
from relearn.schemas.http.events import BatchEvent, CorrectionEvent, EventBatch, EventData, ResetEvent
from relearn.schemas.settings import Settings
from relearn.scripts.embedded.keys import ensure_pair
from tests.support.api.client import Client
from tests.support.api.sse import Listener, listening
from tests.support.servers.embedded import Servers
from tests.support.waiting import DEADLINE_S, eventually_async


@pytest.fixture
async def redis(migrated: Settings) -> AsyncIterator[Redis]:
    async with open_redis(migrated) as opened:
        yield opened


def said(number: int, comment: str = "1") -> CorrectionEvent:
    return CorrectionEvent("0-0-0", f"f{number}", comment, "0", True, None, "audit")


def batch(name: str, records: int) -> BatchEvent:
    return BatchEvent(
        [EventBatch(name, records, "2026-01-31T12:00:00.000000+00:00", "2026-01-31T12:00:01.000000+00:00")]
    )


async def append(redis: Redis, settings: Settings, *events: EventData) -> list[str]:
    """Append events as an agent does; their ids."""
    async with redis.pipeline() as pipe:
        put_events(pipe, settings.namespace, *events)
        return list(await pipe.execute())


async def feedback_ids(listener: Listener, count: int) -> list[str]:
    """The next `n` corrections."""
    return [(await listener.until("correction")).data["feedback"] for _ in range(count)]


async def test_what_is_appended_is_told_in_order_under_the_ids_of_the_stream(client: Client, redis: Redis) -> None:
    async with listening(client.http) as listener:
        ids = await append(redis, client.settings, said(1), said(2), ResetEvent("so"))
        told = [await listener.next() for _ in ids]
    assert [one.id for one in told if one] == ids
    assert [one.type for one in told if one] == ["correction", "correction", "reset"]
    assert told[0] is not None
    assert told[0].data == {
        "prediction": "0-0-0",
        "feedback": "f1",
        "label": "1",
        "predicted": "0",
        "corrects": True,
        "reviewer": None,
        "via": "audit",
        "more": 0,
    }
    headers = listener.response.headers
    assert headers["Content-Type"] == "text/event-stream"
    assert (headers["Cache-Control"], headers["X-Accel-Buffering"]) == ("no-store", "no")
    assert "Content-Encoding" not in headers
    assert len(headers["X-Request-Id"]) == 32


async def test_only_the_types_asked_for_come_and_every_reset(client: Client, redis: Redis) -> None:
    async with listening(client.http, types="batch,job") as listener:
        await append(redis, client.settings, said(1), batch("a", 1), ResetEvent("so"), said(2))
        assert [(await listener.next())[1] for _ in range(2)] == ["batch", "reset"]  # type: ignore[index]
    problem = await client.json("GET", "/v1/events?types=batch,nothing", status=400)
    assert problem["errors"][0]["field"] == "types"


async def test_a_client_that_comes_again_gets_what_it_has_missed(client: Client, redis: Redis) -> None:
    """By header or parameter, the header first; without events in between, by the id of the last comment."""
    async with listening(client.http) as listener:
        await append(redis, client.settings, said(-1))
        assert await feedback_ids(listener, 1) == ["f-1"]
    async with listening(client.http) as listener:
        pass
    ids = await append(redis, client.settings, *map(said, range(1500)))
    async with listening(client.http, after=listener.last_id) as listener:
        assert await feedback_ids(listener, 1500) == [f"f{n}" for n in range(1500)]
        await append(redis, client.settings, said(1500))
        assert await feedback_ids(listener, 1) == ["f1500"]
    async with listening(client.http, begun=False, last_event_id=ids[1497]) as listener:
        assert await feedback_ids(listener, 3) == ["f1498", "f1499", "f1500"]
    async with listening(client.http, after=ids[1498], last_event_id=ids[0]) as listener:
        assert await feedback_ids(listener, 2) == ["f1499", "f1500"]


async def test_whoever_names_what_is_not_kept_is_told_to_read_everything_anew(client: Client, redis: Redis) -> None:
    """Ids before all stored events, ids of the future, and texts that aren't ids."""
    await append(redis, client.settings, said(1))
    for after in ("0-0", "9999999999999-0", "nothing", "1-1-1", "99999999999999999999-0", "\u0663-\u0663"):
        async with listening(client.http, begun=False, last_event_id=after) as listener:
            await listener.until("reset")
            await append(redis, client.settings, said(2))
            assert await feedback_ids(listener, 1) == ["f2"]


#: The query, the header, the answer's status, and what stands in it.
HOSTILE = (
    (b"?types=", b"", 400, b"types"),
    (b"?types=batch,", b"", 400, b"types"),
    (b"?types=batch%00", b"", 400, b"types"),
    (b"?types=%ff", b"", 400, b"types"),
    (b"?types=" + b",".join([b"job"] * 65), b"", 400, b"types"),
    (b"?types=job&types=job", b"", 400, b"more than once"),
    (b"?last_event_id=" + b"9" * 65, b"", 400, b"last_event_id"),
    (b"?nothing=1", b"", 400, b"no such parameter"),
    (b"?last_event_id=%00", b"", 200, b"event: reset"),
    (b"?last_event_id=%ff%0a", b"", 200, b"event: reset"),
    (b"", b"\xff\xfe", 200, b"event: reset"),
    (b"", b"9" * 7000, 200, b"event: reset"),
    (b"", b"18446744073709551616-0", 200, b"event: reset"),
    (b"", b"1-0, 2-0", 200, b"event: reset"),
)


async def test_whatever_is_asked_for_is_refused_or_answered(client: Client, redis: Redis) -> None:
    """Raw bytes that no client would send; schemathesis can't, since the response has no end."""
    await append(redis, client.settings, said(1))
    for query, header, status, text in HOSTILE:
        reader, writer = await asyncio.open_connection(client.http.host, client.http.port)
        given = b"Last-Event-ID: " + header + b"\r\n" if header else b""
        writer.write(b"GET /v1/events" + query + b" HTTP/1.1\r\nHost: localhost\r\n" + given + b"\r\n")
        async with asyncio.timeout(DEADLINE_S):
            line = await reader.readline()
            assert line.startswith(b"HTTP/1.1 %d " % status), (query, header, line)
            assert await reader.readuntil(text)
        writer.close()
        await writer.wait_closed()


async def test_a_stream_that_was_trimmed_or_lost_is_told(client: Client, redis: Redis) -> None:
    ids = await append(redis, client.settings, *map(said, range(5)))
    key = stream_key(client.settings.namespace)
    await redis.xtrim(key, maxlen=2, approximate=False)
    async with listening(client.http, after=ids[3]) as listener:
        assert await feedback_ids(listener, 1) == ["f4"]
    async with listening(client.http, after=ids[1]) as listener:
        assert (await listener.next())[1] == "reset"  # type: ignore[index]
    await redis.delete(key)
    await append(redis, client.settings, said(6))
    async with listening(client.http, after=ids[3]) as listener:
        assert (await listener.next())[1] == "reset"  # type: ignore[index]


async def test_no_more_is_kept_than_can_be_resumed(client: Client, redis: Redis) -> None:
    await append(redis, client.settings, *map(said, range(KEPT + 500)))
    assert await redis.xlen(stream_key(client.settings.namespace)) < KEPT + 200


async def test_many_batches_come_as_one_with_the_newest_numbers(client: Client, redis: Redis) -> None:
    async with listening(client.http) as listener:
        ids = await append(redis, client.settings, *(batch(name, n) for n in range(1, 41) for name in "ab"), said(1))
        told, after = await listener.next(), await listener.next()
    assert told is not None
    assert after is not None
    assert (told.id, after.id) == (ids[0], ids[-1])
    assert {one["batch"]: one["records"] for one in told.data["batches"]} == {"a": 40, "b": 40}
    assert (told.data["records"], told.data["more"]) == (None, 0)


async def test_a_client_that_does_not_read_is_disconnected_and_nobody_else_notices(
    client: Client, redis: Redis
) -> None:
    server = client.http.server
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.setblocking(False)
        await asyncio.get_running_loop().sock_connect(deaf, (server.host, server.port))
        await asyncio.get_running_loop().sock_sendall(deaf, b"GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await eventually_async(lambda: client.context.events.clients == 1, "not connected")
        async with listening(client.http) as listener:
            sent = 0
            while client.context.events.clients == 2:
                await append(redis, client.settings, *(said(n, "x" * 200) for n in range(100)))
                assert len(await feedback_ids(listener, 100)) == 100
                sent += 1
                assert sent * 20_000 < MAX_WAITING_BYTES + 32 * 2**20, "it is still there"
    await eventually_async(lambda: client.context.events.clients == 0, "it is still there")


async def test_more_streams_than_that_are_refused(client: Client) -> None:
    client.context.events.seats.limit = 2
    async with listening(client.http), listening(client.http), client.http.get("/v1/events") as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "5")
        assert "serves 2 streams already" in (await response.json(content_type=None))["detail"]
    await eventually_async(lambda: client.context.events.clients == 0, "the streams go on")
    client.context.events.seats.per_client = 1
    async with listening(client.http), client.http.get("/v1/events") as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "5")


async def test_silence_is_broken_by_comments_that_tell_the_place(client: Client, redis: Redis) -> None:
    client.context.events.heartbeat_s = 0.1
    async with listening(client.http, types="job") as listener:
        (last,) = await append(redis, client.settings, said(1))

        async def listen() -> None:
            assert await listener.next() is None

        task = asyncio.ensure_future(listen())
        await eventually_async(lambda: listener.comments > 1 and listener.last_id == last, "silence")
        listener.response.close()
        with pytest.raises(BaseException):  # noqa: B017 - the connection is gone
            await task


async def test_while_redis_is_away_streams_stay_and_go_on_afterwards(
    client: Client, redis: Redis, servers: Servers
) -> None:
    """Connected clients, new ones and reconnecting ones: each gets a `reset`, since events may be missing."""
    client.context.events.heartbeat_s = 0.1
    await append(redis, client.settings, said(1))
    async with listening(client.http) as early:
        with servers.valkey.away():
            await eventually_async(lambda: not client.context.events._reader.reads, "it reads")
            comments = early.comments
            async with (
                listening(client.http, begun=False) as late,
                listening(client.http, after=early.last_id) as again,
            ):
                listeners = [early, late, again]
                tasks = [asyncio.ensure_future(one.until("reset")) for one in listeners]
                await eventually_async(lambda: all(one.comments > comments for one in listeners), "no comments")
                servers.valkey.start()
                await asyncio.gather(*tasks)
                async with open_redis(client.settings) as anew:
                    await append(anew, client.settings, said(2))
                assert [await feedback_ids(one, 1) for one in listeners] == [["f2"]] * 3


async def test_a_connection_to_redis_that_broke_costs_no_event(client: Client, redis: Redis) -> None:
    async with listening(client.http) as listener:
        await append(redis, client.settings, said(1))
        assert await feedback_ids(listener, 1) == ["f1"]
        await redis.client_kill_filter(_type="normal", skipme=True)
        await append(redis, client.settings, said(2))
        told = await listener.next()
        assert told is not None
        assert (told.type, told.data["feedback"]) == ("correction", "f2")


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[tuple[web.AppRunner, ClientSession]]:
    """The application as `relearn api` runs it: no handler is cancelled when its client goes."""
    ensure_pair(settings.keys_dir)
    runner = web.AppRunner(make_app(settings))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        async with ClientSession(f"http://{host}:{port}") as session:
            yield runner, session
    finally:
        await runner.cleanup()


async def test_clients_that_come_and_go_leave_nothing(migrated: Settings, redis: Redis) -> None:
    async with served(migrated) as (runner, session):
        live = runner.app[CONTEXT].events
        async with listening(session):
            pass
        await eventually_async(lambda: live.clients == 0, "a client is still connected")
        # The Kafka driver's own come and go with its fetches; one left by each client would be 200.
        bound = len(asyncio.all_tasks()) + 10
        for _ in range(20):
            responses = await asyncio.gather(*(session.get("/v1/events") for _ in range(10)))
            assert live.clients >= 10
            await append(redis, migrated, said(1))
            for response in responses:
                response.close()
        await eventually_async(lambda: live.clients == 0, "a client is still connected")
        await eventually_async(lambda: len(asyncio.all_tasks()) <= bound, lambda: f"{asyncio.all_tasks()}")


async def test_the_end_of_the_process_is_announced(migrated: Settings) -> None:
    async with served(migrated) as (runner, session), listening(session) as listener:
        assert listener.retry_ms != 1000
        ending = asyncio.ensure_future(runner.cleanup())
        assert await listener.next() is None
        assert listener.retry_ms == 1000
        await ending
