"""The keys that this process knows: all of them, read from Postgres every two seconds and when an unknown one comes.

There are few keys and many requests: with all of them at hand, neither a request nor a guess costs a query.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from relearn.agents.stores.api_keys import ApiKey
from relearn.api.http.single_flight import SingleFlight
from relearn.schemas.api_keys import KeyProof, proves
from relearn.schemas.errors import PostgresUnavailable, RelearnError

log = structlog.get_logger()

#: A key that was revoked is refused after this, and the patience.
EVERY_S = 2.0
PATIENCE_S = 2.0
#: An unknown key makes us look again, but no more often than that.
AT_MOST_EVERY_S = 0.2
#: While Postgres is away, what was known is believed for so long.
LONGEST_S = 600.0


class KeyRing:
    """All live keys by id, and whether any was ever made."""

    def __init__(
        self, read: Callable[[], Awaitable[Sequence[ApiKey]]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._clock = clock
        self._keys: Mapping[str, ApiKey] = {}
        self._any: bool | None = None
        self._known_s = self._asked_s = -LONGEST_S
        self._error: RelearnError | None = None
        self._reading = SingleFlight(self._ask)

    async def needed(self, *, shown: bool = False) -> bool:
        """Whether a key was ever made; `shown`: somebody shows one, so the first may have been made just now.

        Raises:
            PostgresUnavailable, SetupError: Postgres hasn't told since this process started.
        """
        if self._any is None or (shown and not self._any):
            await self._look_again()
        if self._any is None:
            raise self._why_not()
        return self._any

    async def find(self, proof: KeyProof) -> ApiKey | None:
        """The live key that is proven.

        Raises:
            PostgresUnavailable, SetupError: it isn't known, and Postgres doesn't tell.
        """
        key = self._keys.get(proof.id) if self._clock() - self._known_s < LONGEST_S else None
        if key is None:
            await self._look_again()
            if self._error is not None:
                raise self._error
            key = self._keys.get(proof.id)
        return key if key is not None and proves(proof, key.hash) else None

    async def watch(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Read them now; with others that wait for the same answer, once. What was known stays if Postgres is away."""
        await self._reading.result()

    async def _look_again(self) -> None:
        """Know what stood there at this moment or later: a key is told before anybody can use it."""
        called_s = self._clock()
        while True:
            await self._reading.settled()
            if self._asked_s >= called_s:
                return
            await asyncio.sleep(max(0.0, self._asked_s + AT_MOST_EVERY_S - self._clock()))
            await self.look()

    async def _ask(self) -> None:
        self._asked_s = self._clock()
        try:
            async with asyncio.timeout(PATIENCE_S):
                found = await self._read()
        except TimeoutError:
            self._failed(PostgresUnavailable(f"Postgres: no answer within {PATIENCE_S:g} s"))
        except RelearnError as exc:
            self._failed(exc)
        else:
            self._took(found)

    def _took(self, found: Sequence[ApiKey]) -> None:
        if self._error is not None:
            log.info("keys_known_again")
        if self._any is False and found:
            log.info("keys_needed_from_now_on")
        self._error, self._known_s, self._any = None, self._asked_s, bool(found)
        self._keys = {key.id: key for key in found if key.revoked_at is None}

    def _failed(self, error: RelearnError) -> None:
        if self._error is None:
            log.warning("keys_not_known", error=str(error), believed_for_s=LONGEST_S if self._any else None)
        self._error = error

    def _why_not(self) -> RelearnError:
        return self._error or PostgresUnavailable("Postgres hasn't told yet whether there are keys")
