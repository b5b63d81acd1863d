"""The health of the servers, probed once a second in the background."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from relearn.schemas.errors import RelearnError

log = structlog.get_logger()

EVERY_S = 1.0
#: A probe that takes longer fails.
_PROBE_TIMEOUT_S = 2.0

Probe = Callable[[], Awaitable[None]]
"""Returns if the check passes, else raises a RelearnError with the reason."""


@dataclass(frozen=True, slots=True)
class State:
    """The state of one check, and since when, in epoch seconds."""

    ok: bool
    required: bool
    since_s: float
    detail: str


class Health:
    """The state of each check by name, in the order of `probes`."""

    def __init__(self, probes: dict[str, Probe], required: frozenset[str]) -> None:
        self._probes = probes
        now_s = time.time()
        self.states = {name: State(False, name in required, now_s, "not checked yet") for name in probes}

    @property
    def ready(self) -> bool:
        """Whether all required checks pass."""
        return all(state.ok for state in self.states.values() if state.required)

    async def watch(self) -> None:
        """Probe until cancelled."""
        while True:
            await self.probe_all()
            await asyncio.sleep(EVERY_S)

    async def probe_all(self) -> None:
        """Run all probes once, concurrently."""
        await asyncio.gather(*(self._probe(name) for name in self._probes))

    async def _probe(self, name: str) -> None:
        detail = ""
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT_S):
                await self._probes[name]()
        except RelearnError as exc:
            detail = str(exc)
        except TimeoutError:
            detail = f"no answer within {_PROBE_TIMEOUT_S:g} s"
        before = self.states[name]
        if before.ok != (not detail) or before.detail == "not checked yet":
            self.states[name] = State(not detail, before.required, time.time(), detail)
            log.info("health_changed", what=name, ok=not detail, detail=detail)
        elif before.detail != detail:
            self.states[name] = State(before.ok, before.required, before.since_s, detail)
