"""Who asks, and whether they may: keys, roles and rates."""

from __future__ import annotations

from typing import Protocol

from aiohttp import web

from api.call import Caller
from schemas.http.operation import Operation


class Guard(Protocol):
    """Lets requests in."""

    async def admit(self, request: web.Request, operation: Operation) -> Caller:
        """Who asks.

        Raises:
            Failure: no key, an unknown one, one that may not do this, or one that asks too often.
        """
        ...


class OpenDoor:
    """Anybody may do anything: while no key has been made, and on loopback only."""

    async def admit(self, request: web.Request, operation: Operation) -> Caller:
        """An administrator without a name."""
        return Caller("admin")


GUARD: web.AppKey[Guard] = web.AppKey("guard", Guard)
