"""Budgets: no client gets the whole, and everything that was taken comes back."""

from __future__ import annotations

import asyncio
import gzip
import io
import tracemalloc
from contextlib import ExitStack

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st

from relearn.api.http import budget, limits
from relearn.api.http.budget import MAX_VALUES, MemoryBudget, Seats
from relearn.api.http.problems import ProblemError, problem_response, to_problem_error
from relearn.api.http.request import LEASE, decoder_of, read_json
from relearn.schemas.http.predict import PredictBody

MIB = 2**20


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 400 * MIB))))
def test_every_byte_comes_back_and_no_limit_is_passed(wanted: list[tuple[str, int]]) -> None:
    """Whatever is asked for."""
    memory = MemoryBudget(32 * MIB)
    with ExitStack() as stack:
        held = dict.fromkeys("abc", 0)
        for client, size_bytes in wanted:
            lease = stack.enter_context(memory.lease(client))
            try:
                lease.grow(size_bytes)
            except ProblemError as exc:
                assert exc.kind in {"too-large", "too-many-requests", "unavailable"}
            else:
                held[client] += size_bytes
            assert memory.held_bytes == sum(held.values()) <= memory.limit_bytes
            assert max(held.values()) <= memory.client_bytes
    assert memory.held_bytes == 0
    with memory.lease("a") as lease:
        lease.grow(memory.client_bytes)


def test_a_client_that_holds_its_share_leaves_room_for_another() -> None:
    """The first gets 429, a request that never fits 413, and 503 is for all when everything is held."""
    memory = MemoryBudget(MIB)
    with memory.lease("a") as first, memory.lease("a") as second, memory.lease("b") as other, memory.lease("c") as last:
        first.grow(memory.client_bytes)
        for lease, kind in ((second, "too-many-requests"), (first, "too-large")):
            with pytest.raises(ProblemError) as raised:
                lease.grow(1)
            assert raised.value.kind == kind
        other.grow(memory.client_bytes)
        with pytest.raises(ProblemError) as raised:
            last.grow(1)
        assert (raised.value.kind, raised.value.headers["Retry-After"]) == ("unavailable", "1")


def test_seats_are_shared() -> None:
    """One client gets its share, and all together the limit."""
    seats = Seats(3, 2, "streams")
    with ExitStack() as stack:
        for client, kind in (("a", None), ("a", None), ("a", "too-many-requests"), ("b", None), ("c", "unavailable")):
            if kind is None:
                stack.enter_context(seats.seat(client))
            else:
                with pytest.raises(ProblemError) as raised:
                    stack.enter_context(seats.seat(client))
                assert raised.value.kind == kind
    assert seats.taken == 0
    with seats.seat("a"):
        assert seats.taken == 1


def _app(memory: MemoryBudget) -> web.Application:
    """An application whose one operation decodes a body as `POST /v1/predict` does."""

    async def predict(request: web.Request) -> web.Response:
        try:
            with memory.lease(request.remote or "") as lease:
                request[LEASE] = lease
                body = await read_json(request, decoder_of(PredictBody))
                return web.json_response(len(body.features))
        except Exception as exc:  # noqa: BLE001 - as the middleware
            return problem_response(to_problem_error(exc), "id")

    app = web.Application(client_max_size=32 * MIB)
    app.router.add_post("/predict", predict)
    return app


BOMBS = {
    "numbers": b'{"features": [[' + b"0," * (16 * MIB - 20) + b"0]]}",
    "empty records": b'{"features": [' + b"[]," * (11 * MIB - 20) + b"[]]}",
    "one text": b'{"features": [["' + b"a" * (31 * MIB) + b'"]]}',
    "names": b'{"features": [{' + b'"a":0,' * (5 * MIB) + b'"b":0}]}',
}


@pytest.mark.parametrize("name", BOMBS)
async def test_small_bodies_that_expand_cost_no_more_than_the_budget(name: str) -> None:
    """Twenty at once: each is refused, or held within the client's share. Allocations are counted, not time."""
    memory, packed = MemoryBudget(32 * MIB), gzip.compress(BOMBS[name], 1)
    assert len(packed) < MIB
    server = TestServer(_app(memory))
    await server.start_server(auto_decompress=False)
    async with TestClient(server) as client:

        async def send() -> int:
            headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
            async with client.post("/predict", data=packed, headers=headers) as response:
                return response.status

        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        statuses = await asyncio.gather(*(send() for _ in range(20)))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert set(statuses) <= {413, 422, 429}
    assert peak - before < memory.client_bytes
    assert memory.held_bytes == 0


async def test_the_largest_body_is_decoded_within_what_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a thread, within the memory that the lease has counted."""
    record = b"[" + b",".join(b"%d.25" % (i + 1000) for i in range(99)) + b"]"
    body = b'{"features": [' + b",".join([record] * 9_900) + b"]}"
    assert 0.9 * MAX_VALUES < body.count(b",") + body.count(b"[") < MAX_VALUES
    memory, threads = MemoryBudget(32 * MIB), []
    in_thread = asyncio.to_thread

    async def counted(work: object, *given: object) -> object:
        threads.append(memory.held_bytes)
        tracemalloc.start()
        found = await in_thread(work, *given)  # type: ignore[arg-type]
        threads.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        return found

    monkeypatch.setattr(budget.asyncio, "to_thread", counted)
    async with (
        TestClient(TestServer(_app(memory))) as client,
        client.post("/predict", data=io.BytesIO(body), headers={"Content-Type": "application/json"}) as response,
    ):
        assert (response.status, await response.json()) == (200, 9_900)
    held_bytes, allocated_bytes = threads
    assert allocated_bytes < held_bytes


async def test_a_body_that_stalls_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """With 408, and its memory comes back."""
    monkeypatch.setattr(limits, "BODY_STALL_S", 0.05)
    memory = MemoryBudget(MIB)
    async with TestClient(TestServer(_app(memory))) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n[")
        assert b" 408 " in await reader.readline()
        writer.close()
    assert memory.held_bytes == 0
