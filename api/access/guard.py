"""Who asks, and whether they may: keys, roles and rates."""

from __future__ import annotations

from typing import Protocol

from aiohttp import web

from relearn.agents.stores.api_keys import ApiKey
from relearn.api.access.keyring import KeyRing
from relearn.api.access.loopback import is_foreign, is_loopback, names_loopback
from relearn.api.access.rate_limit import Rates
from relearn.api.http.call import Caller
from relearn.api.http.problems import Failure
from relearn.schemas.api_keys import KeyProof, read_key
from relearn.schemas.errors import SettingsError
from relearn.schemas.http.operation import ROLES, Operation, Role
from relearn.schemas.settings import Settings

ANYBODY = Caller("read")
#: Whoever asks while there are no keys.
THIS_MACHINE = Caller("admin")
_MAKE_ONE = "`relearn key create --role admin --name NAME` makes one"


class Guard(Protocol):
    """Lets requests in."""

    async def admit(self, request: web.Request, operation: Operation) -> Caller:
        """Who asks.

        Raises:
            Failure: no key, an unknown one, one that may not do this, or one that asks too often.
            PostgresUnavailable, SetupError: who it is can't be told without Postgres.
        """
        ...


GUARD: web.AppKey[Guard] = web.AppKey("guard", Guard)


class KeyGuard:
    """Asks for a key once one was made; until then serves this machine alone, and there whoever asks."""

    def __init__(self, settings: Settings, ring: KeyRing, rates: Rates) -> None:
        self._ring = ring
        self._rates = rates
        self._exposed = not is_loopback(settings.api_host)
        self._origins = settings.api_cors_origins

    async def admit(self, request: web.Request, operation: Operation) -> Caller:
        if operation.role is None:
            return ANYBODY
        proof = _shown(request)
        if not await self._ring.needed(shown=proof is not None):
            return self._without_keys(request)
        key = await self._key_of(request, proof)
        await self._rates.spend(key.id)
        if not may(key.role, operation.role):
            raise Failure("forbidden", f"This key's role is {key.role}; that needs {operation.role}.")
        return Caller(key.role, key.id, key.name)

    def _without_keys(self, request: web.Request) -> Caller:
        if self._exposed:
            raise _needed(f"No key has been made yet, and without one nobody is served here; {_MAKE_ONE}.")
        hosts = request.headers.getall("Host", [])
        if not all(map(names_loopback, hosts or [""])) or not _is_near(request):
            raise Failure("forbidden", f"While there are no keys, only localhost is served; {_MAKE_ONE}.")
        if is_foreign(request.headers, self._origins):
            raise Failure("forbidden", "A page of another origin asks; RELEARN_API_CORS_ORIGINS names those that may.")
        return THIS_MACHINE

    async def _key_of(self, request: web.Request, proof: KeyProof | None) -> ApiKey:
        if "Authorization" not in request.headers:
            raise _needed("A key is needed, in the header `Authorization: Bearer KEY`.")
        key = None if proof is None else await self._ring.find(proof)
        if key is None:
            raise _needed("This key isn't known, or it was revoked.", 'Bearer error="invalid_token"')
        return key


def _shown(request: web.Request) -> KeyProof | None:
    """What the request's header proves, if anything."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return read_key(text.strip()) if scheme.lower() == "bearer" else None


def may(role: Role, needed: Role) -> bool:
    """Whether `role` includes `needed`."""
    return ROLES.index(role) >= ROLES.index(needed)


async def check_exposure(settings: Settings, ring: KeyRing) -> None:
    """Refuse to listen beyond loopback while there are no keys.

    Raises:
        SettingsError: no key has been made.
        PostgresUnavailable, SetupError: that isn't known.
    """
    if not is_loopback(settings.api_host) and not await ring.needed():
        why = "while there are no keys the API listens on loopback only"
        raise SettingsError(f"RELEARN_API_HOST={settings.api_host}: {why}; {_MAKE_ONE}")


def _is_near(request: web.Request) -> bool:
    """Whether the request came over loopback, or over a socket that is no network's."""
    peer = request.transport.get_extra_info("peername") if request.transport is not None else None
    return not isinstance(peer, tuple) or is_loopback(peer[0])


def _needed(detail: str, challenge: str = "Bearer") -> Failure:
    return Failure("unauthorized", detail, headers={"WWW-Authenticate": challenge})
