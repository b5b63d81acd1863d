"""Access to an operation: API key, role and rate."""

from __future__ import annotations

from typing import Protocol

from aiohttp import web

from relearn.agents.stores.api_keys import ApiKey
from relearn.api.access.keyring import KeyRing
from relearn.api.access.loopback import is_foreign, is_loopback, names_loopback
from relearn.api.access.rate_limit import RateLimit
from relearn.api.http.call import Caller
from relearn.api.http.problems import ProblemError
from relearn.schemas.api_keys import KeyProof, read_key
from relearn.schemas.errors import SettingsError
from relearn.schemas.http.operation import ROLES, Operation, Role
from relearn.schemas.settings import Settings

_MAKE_ONE = "`relearn key create --role admin --name NAME` makes one"


class Guard(Protocol):
    """Admits requests."""

    async def admit(self, request: web.Request, operation: Operation) -> Caller:
        """The caller.

        Raises:
            ProblemError: API key missing, unknown, without the required role, or above its rate.
            PostgresUnavailable, SetupError: the API keys can't be read.
        """
        ...


GUARD: web.AppKey[Guard] = web.AppKey("guard", Guard)


class KeyGuard:
    """Requires an API key once one was made; until then admits all callers on this machine and no others."""

    def __init__(self, settings: Settings, ring: KeyRing, rate_limit: RateLimit) -> None:
        self._ring = ring
        self._rate_limit = rate_limit
        self._exposed = not is_loopback(settings.api_host)
        self._origins = settings.api_cors_origins

    async def admit(self, request: web.Request, operation: Operation) -> Caller:
        if operation.role is None:
            return Caller("read", address=_address(request))
        proof = _proof_in(request)
        if not await self._ring.is_required(shown=proof is not None):
            self._check_local(request)
            return Caller("admin", address=_address(request))
        key = await self._key_of(request, proof)
        await self._rate_limit.spend(key.id)
        if not may(key.role, operation.role):
            raise ProblemError("forbidden", f"This key's role is {key.role}; this operation needs {operation.role}.")
        return Caller(key.role, key.id, key.name, _address(request))

    def _check_local(self, request: web.Request) -> None:
        """While there are no API keys every local caller has every role, and there are no others."""
        if self._exposed:
            raise _unauthorized(f"There are no API keys yet, and requests from elsewhere need one; {_MAKE_ONE}.")
        hosts = request.headers.getall("Host", [])
        if not all(map(names_loopback, hosts or [""])) or not _is_local(request):
            raise ProblemError("forbidden", f"While there are no keys, only localhost is served; {_MAKE_ONE}.")
        if is_foreign(request.headers, self._origins):
            raise ProblemError(
                "forbidden",
                "The request comes from a page of another origin; RELEARN_API_CORS_ORIGINS lists allowed ones.",
            )

    async def _key_of(self, request: web.Request, proof: KeyProof | None) -> ApiKey:
        if "Authorization" not in request.headers:
            raise _unauthorized("A key is needed, in the header `Authorization: Bearer KEY`.")
        key = None if proof is None else await self._ring.find(proof)
        if key is None:
            raise _unauthorized("This key is unknown or revoked.", 'Bearer error="invalid_token"')
        return key


def _proof_in(request: web.Request) -> KeyProof | None:
    """The API key in the request's header, None without a well-formed one."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return read_key(text.strip()) if scheme.lower() == "bearer" else None


def may(role: Role, needed: Role) -> bool:
    """Whether `role` includes `needed`."""
    return ROLES.index(role) >= ROLES.index(needed)


async def check_exposure(settings: Settings, ring: KeyRing) -> None:
    """Refuse to listen beyond loopback while there are no API keys.

    Raises:
        SettingsError: there are no API keys.
        PostgresUnavailable, SetupError: the API keys can't be read.
    """
    if not is_loopback(settings.api_host) and not await ring.is_required():
        why = "while there are no keys the API listens on loopback only"
        raise SettingsError(f"RELEARN_API_HOST={settings.api_host}: {why}; {_MAKE_ONE}")


def _address(request: web.Request) -> str:
    """The peer's address; empty for a socket that isn't of a network."""
    peer = request.transport.get_extra_info("peername") if request.transport is not None else None
    return str(peer[0]) if isinstance(peer, tuple) else ""


def _is_local(request: web.Request) -> bool:
    """Whether the request came over loopback or a non-network socket."""
    peer = request.transport.get_extra_info("peername") if request.transport is not None else None
    return not isinstance(peer, tuple) or is_loopback(peer[0])


def _unauthorized(detail: str, challenge: str = "Bearer") -> ProblemError:
    return ProblemError("unauthorized", detail, headers={"WWW-Authenticate": challenge})
