"""Whether the servers answer: looked at once a second in the background, told at once to whoever asks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from relearn.schemas.errors import RelearnError

log = structlog.get_logger()

EVERY_S = 1.0
#: Whoever doesn't answer within that is away.
_PATIENCE_S = 2.0

Probe = Callable[[], Awaitable[None]]
"""Returns if all is well, else raises a RelearnError that says what isn't."""


@dataclass(frozen=True, slots=True)
class State:
    """How one of them is, and since when, in epoch seconds."""

    ok: bool
    required: bool
    since_s: float
    detail: str


class Health:
    """The state of each thing that is needed, by name, in the order given."""

    def __init__(self, probes: dict[str, Probe], required: frozenset[str]) -> None:
        self._probes = probes
        now_s = time.time()
        self.states = {name: State(False, name in required, now_s, "not looked at yet") for name in probes}

    @property
    def ready(self) -> bool:
        """Whether all that is required is well."""
        return all(state.ok for state in self.states.values() if state.required)

    async def watch(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Look at all of them once, side by side."""
        await asyncio.gather(*(self._look_at(name) for name in self._probes))

    async def _look_at(self, name: str) -> None:
        detail = ""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._probes[name]()
        except RelearnError as exc:
            detail = str(exc)
        except TimeoutError:
            detail = f"no answer within {_PATIENCE_S:g} s"
        before = self.states[name]
        if before.ok != (not detail) or before.detail == "not looked at yet":
            self.states[name] = State(not detail, before.required, time.time(), detail)
            log.info("health_changed", what=name, ok=not detail, detail=detail)
        elif before.detail != detail:
            self.states[name] = State(before.ok, before.required, before.since_s, detail)
