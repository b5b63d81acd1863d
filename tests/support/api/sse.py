"""A client of the live events for tests, as a browser is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import ClientResponse, ClientSession, web
from aiohttp.test_utils import TestClient

DEADLINE_S = 60.0


class Told(NamedTuple):
    """One event."""

    id: str
    type: str
    data: Any


class Listener:
    """Reads one stream; `last_id`: where it would resume, `retry_ms`: when."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response
        self.last_id = ""
        self.retry_ms = 0
        self.comments = 0

    async def next(self) -> Told | None:
        """The next event, or None at the end of the stream."""
        async with asyncio.timeout(DEADLINE_S):
            while block := await self._block():
                fields: dict[str, str] = {}
                for line in block:
                    name, _, value = line.partition(":")
                    fields[name] = value.removeprefix(" ")
                self.comments += "" in fields
                self.last_id = fields.get("id", self.last_id)
                self.retry_ms = int(fields.get("retry", self.retry_ms))
                if "data" in fields:
                    return Told(self.last_id, fields["event"], json.loads(fields["data"]))
        return None

    async def until(self, kind: str, **expected: Any) -> Told:
        """The next event of that type with these values; events before it are skipped."""
        while told := await self.next():
            if told.type == kind and {name: told.data[name] for name in expected} == expected:
                return told
        raise AssertionError(f"the stream ended without {kind} {expected}")

    async def begun(self) -> None:
        """Wait for the first id."""
        async with asyncio.timeout(DEADLINE_S):
            while not self.last_id:
                for line in await self._block():
                    if line.startswith("id: "):
                        self.last_id = line.removeprefix("id: ")

    async def _block(self) -> list[str]:
        lines: list[str] = []
        while line := await self.response.content.readline():
            if line == b"\n":
                return lines
            lines.append(line.decode().rstrip("\n"))
        return lines


@asynccontextmanager
async def listening(
    http: TestClient[Any, web.Application] | ClientSession,
    *,
    after: str | None = None,
    begun: bool = True,
    **query: str,
) -> AsyncIterator[Listener]:
    """A listener while the block runs. `after`: the last event that it got; `begun`: wait until it gets new events."""
    headers = {} if after is None else {"Last-Event-ID": after}
    async with http.get("/v1/events", params=query, headers=headers) as response:
        assert response.status == 200, await response.text()
        listener = Listener(response)
        if after is None and begun:
            await listener.begun()
        yield listener
