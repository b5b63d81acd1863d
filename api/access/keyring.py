"""All API keys, cached in the process: read from Postgres every two seconds and when an unknown key is used.

There are few API keys and many requests: with all keys cached, neither a request nor a guessed key costs a query.
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

#: A revoked key is rejected after at most this plus the timeout.
REFRESH_EVERY_S = 2.0
READ_TIMEOUT_S = 2.0
#: Minimum interval of the reads that unknown keys cause.
MIN_INTERVAL_S = 0.2
#: While Postgres is away, cached keys are valid for this long.
MAX_AGE_S = 600.0


class KeyRing:
    """All API keys that aren't revoked, by id, and whether any was ever made."""

    def __init__(
        self, read: Callable[[], Awaitable[Sequence[ApiKey]]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read_from_postgres = read
        self._clock = clock
        self._keys: Mapping[str, ApiKey] = {}
        self._exist: bool | None = None
        self._known_s = self._read_s = -MAX_AGE_S
        self._error: RelearnError | None = None
        self._reading = SingleFlight(self._read_keys)

    async def is_required(self, *, shown: bool = False) -> bool:
        """Whether an API key was ever made. `shown`: the request has one, so the first may have been made just now.

        Raises:
            PostgresUnavailable, SetupError: the keys couldn't be read since this process started.
        """
        if self._exist is None or (shown and not self._exist):
            await self._refresh_from_now()
        if self._exist is None:
            raise self._error_or_default()
        return self._exist

    async def find(self, proof: KeyProof) -> ApiKey | None:
        """The API key that `proof` proves; None if unknown or revoked.

        Raises:
            PostgresUnavailable, SetupError: the key isn't cached, and the keys can't be read.
        """
        key = self._keys.get(proof.id) if self._clock() - self._known_s < MAX_AGE_S else None
        if key is None:
            await self._refresh_from_now()
            if self._error is not None:
                raise self._error
            key = self._keys.get(proof.id)
        return key if key is not None and proves(proof, key.hash) else None

    async def watch(self) -> None:
        """Refresh until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(REFRESH_EVERY_S)

    async def refresh(self) -> None:
        """Read all keys now, once for concurrent callers. The cached keys stay if Postgres is away."""
        await self._reading.result()

    async def _refresh_from_now(self) -> None:
        """Return after a read that began now or later: a key is stored before a client can use it."""
        called_s = self._clock()
        while True:
            await self._reading.settled()
            if self._read_s >= called_s:
                return
            await asyncio.sleep(max(0.0, self._read_s + MIN_INTERVAL_S - self._clock()))
            await self.refresh()

    async def _read_keys(self) -> None:
        self._read_s = self._clock()
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                found = await self._read_from_postgres()
        except TimeoutError:
            self._failed(PostgresUnavailable(f"Postgres: no answer within {READ_TIMEOUT_S:g} s"))
        except RelearnError as exc:
            self._failed(exc)
        else:
            self._accept(found)

    def _accept(self, found: Sequence[ApiKey]) -> None:
        if self._error is not None:
            log.info("api_keys_available")
        if self._exist is False and found:
            log.info("api_keys_required")
        self._error, self._known_s, self._exist = None, self._read_s, bool(found)
        self._keys = {key.id: key for key in found if key.revoked_at is None}

    def _failed(self, error: RelearnError) -> None:
        if self._error is None:
            log.warning("api_keys_unavailable", error=str(error), cached_for_s=MAX_AGE_S if self._exist else None)
        self._error = error

    def _error_or_default(self) -> RelearnError:
        return self._error or PostgresUnavailable("the API keys haven't been read yet")
