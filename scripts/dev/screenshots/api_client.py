"""A client of the HTTP API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession

from relearn.schemas.errors import SetupError

_DEADLINE_S = 120.0
_LOOK_EVERY_S = 0.2


@dataclass(frozen=True)
class ApiClient:
    """`url`: where it is."""

    session: ClientSession
    url: str

    async def json(self, method: str, path: str, body: object = None) -> Any:
        """Its answer.

        Raises:
            SetupError: it refused, and why.
        """
        async with self.session.request(method, self.url + path, json=body) as response:
            found = await response.json(content_type=None)
            if not response.ok:
                raise SetupError(f"{method} {path}: {found.get('title')}: {found.get('detail')}")
            return found

    async def until(self, what: str, path: str, holds: Callable[[Any], bool]) -> Any:
        """The answer, once it is as wanted.

        Raises:
            SetupError: it never was.
        """
        try:
            async with asyncio.timeout(_DEADLINE_S):
                while True:
                    if holds(found := await self.json("GET", path)):
                        return found
                    await asyncio.sleep(_LOOK_EVERY_S)
        except TimeoutError as exc:
            raise SetupError(f"{what}: not within {_DEADLINE_S:.0f} s") from exc
