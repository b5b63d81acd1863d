"""Files sent piece by piece: readers that are too slow give their seat back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from relearn.api.http import responses
from relearn.api.http.budget import Seats
from relearn.api.http.problems import problem_response, to_problem_error
from relearn.api.http.responses import stream_file
from tests.support.waiting import eventually_async

PIECES = 400


async def pieces(closed: asyncio.Event) -> AsyncGenerator[bytes, None]:
    """25 MB that don't compress."""
    try:
        for number in range(PIECES):
            yield number.to_bytes(2, "big") * (responses.PIECE_BYTES // 2)
    finally:
        closed.set()


@asynccontextmanager
async def serving(files: Seats, closed: asyncio.Event) -> AsyncIterator[TestClient[Any, Any]]:
    async def get(request: web.Request) -> web.StreamResponse:
        client = request.query["client"]
        call = SimpleNamespace(
            request=request, caller=SimpleNamespace(client=client), context=SimpleNamespace(files=files)
        )
        try:
            return await stream_file(cast(Any, call), pieces(closed), "text/csv", "f.csv")
        except Exception as exc:  # noqa: BLE001 - as the middleware
            return problem_response(to_problem_error(exc), "id")

    app = web.Application()
    app.router.add_get("/file", get)
    async with TestClient(TestServer(app)) as http:
        yield http


async def test_a_reader_that_takes_nothing_is_cut_and_another_gets_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Meanwhile its client gets no second file, and another client none where all seats are taken."""
    monkeypatch.setattr(responses, "STALLED_S", 0.5)
    files, closed = Seats(1, 1, "files"), asyncio.Event()
    async with serving(files, closed) as http:
        _, writer = await asyncio.open_connection("127.0.0.1", http.port, limit=1)
        writer.write(b"GET /file?client=a HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: identity\r\n\r\n")
        await eventually_async(lambda: files.taken == 1, "the file isn't sent")
        for client, status in (("a", 429), ("b", 503)):
            async with http.get(f"/file?client={client}") as response:
                assert (response.status, response.headers["Retry-After"]) == (status, "5")
        await asyncio.wait_for(closed.wait(), 20)
        assert files.taken == 0
        async with http.get("/file?client=b") as response:
            assert len(await response.read()) == PIECES * responses.PIECE_BYTES
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_time_is_earned_by_reading_and_never_saved_up() -> None:
    """A reader that was slow has less time until it has caught up; one that was fast has no more than at first."""
    takes, piece = cast(Any, _Takes()), bytes(responses.LEAST_BYTES_PER_S)
    assert await responses._write(takes, piece, responses.STALLED_S) == responses.STALLED_S
    assert 2.0 < await responses._write(takes, piece, 2.0) <= 3.0
    with pytest.raises(TimeoutError):
        await responses._write(cast(Any, _Never()), b"x", 0.01)


class _Takes:
    """Takes a piece at once."""

    async def write(self, _: bytes) -> None:
        return


class _Never:
    """Takes nothing."""

    async def write(self, _: bytes) -> None:
        await asyncio.Event().wait()
