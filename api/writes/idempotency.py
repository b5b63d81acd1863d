"""`Idempotency-Key`: a repeated write gets the first one's response, for 24 hours. Best effort, in Redis.

What Redis doesn't know (the first response was 503, or was never sent, though its messages arrived) the sinks do: the
ids of a write are derived from its key, and stored once.

One entry per caller, method, path and idempotency key. The first request claims the entry, then stores its response
there; a request that fails deletes the entry. Requests without the header don't use Redis.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import uuid
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog
from aiohttp import web

from relearn.agents.stores.redis import Redis, redis_errors
from relearn.api.http.call import Call, Caller
from relearn.api.http.problems import RETRY, ProblemError
from relearn.api.http.request import read_bytes
from relearn.schemas.errors import RedisUnavailable
from relearn.schemas.http.operation import Operation

log = structlog.get_logger()

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT_S = 24 * 3600
#: A claim expires after this time if its process died.
CLAIM_S = 30
_KEY = re.compile(r"^[\x21-\x7e]{1,255}$")
_SETTLE = """
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('del', KEYS[1]) end
redis.call('set', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""


class _Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """`request`: hash of the request. `claim`: random id of the claiming request. Status 0: no response yet."""

    request: str
    claim: str
    status: int = 0
    content_type: str = ""
    body: bytes = b""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Entry).decode


def read_key(request: web.Request, operation: Operation) -> str | None:
    """The request's idempotency key; None without the header or if the operation isn't `idempotent`.

    Raises:
        ProblemError: not a valid key.
    """
    given = request.headers.getall(HEADER, []) if operation.idempotent else []
    if not given:
        return None
    if len(given) > 1 or not _KEY.match(given[0]):
        raise ProblemError("malformed", f"{HEADER}: one, of 1 to 255 visible ASCII characters")
    return given[0]


def write_id(request: web.Request, operation: Operation, caller: Caller, key: str) -> uuid.UUID:
    """The id of a write: equal for repeated requests of one caller, whatever happened to the first one's response.

    Ids of what is written are derived from it, so that the sinks store the write once.
    """
    return uuid.uuid5(uuid.NAMESPACE_URL, f"relearn:write:{_entry(request, operation, caller, key)}")


async def answer_once(
    call: Call[Any, Any, Any], key: str, answer: Callable[[], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """The stored response of this key, else that of `answer()`, which is stored if its status is below 300.

    Raises:
        ProblemError: the key was used for another request, or the first request with it isn't done.
        RedisUnavailable: nothing was done.
    """
    redis, name = call.context.redis, _name(call, key)
    mine = _Entry(await _hash(call.request), secrets.token_hex(8))
    with redis_errors():
        before = await _claim(redis, name, mine)
    if before is not None:
        return _replay(before, mine)
    try:
        response = await answer()
    except BaseException:
        await _settle(redis, name, mine, None)
        raise
    await _settle(redis, name, mine, response)
    return response


async def _claim(redis: Redis, name: str, mine: _Entry) -> _Entry | None:
    """None if the entry is claimed now, else the entry found. An entry that vanishes meanwhile counts as not done."""
    for _ in range(2):
        if await redis.set(name, _encode(mine), nx=True, ex=CLAIM_S):
            return None
        if (found := await redis.get(name)) is not None:
            return _decode(found)
    return _Entry(mine.request, "")


def _replay(before: _Entry, mine: _Entry) -> web.Response:
    if before.request != mine.request:
        raise ProblemError("invalid", f"This {HEADER} was used for another request; use a new one.")
    if not before.status:
        raise ProblemError("conflict", f"The first request with this {HEADER} isn't done yet.", headers=RETRY)
    body, headers = zlib.decompress(before.body), {REPLAYED: "true"}
    return web.Response(body=body, status=before.status, content_type=before.content_type, headers=headers)


async def _settle(redis: Redis, name: str, mine: _Entry, response: web.StreamResponse | None) -> None:
    """Store the response if it succeeded, else delete the entry; only while the claim holds."""
    claim, entry = _encode(mine), b""
    if isinstance(response, web.Response) and response.status < 300 and isinstance(response.body, bytes):
        body = zlib.compress(response.body, 1)
        entry = _encode(_Entry(mine.request, mine.claim, response.status, response.content_type, body))
    try:
        with redis_errors():
            await redis.eval(_SETTLE, 1, name, claim, entry, str(KEPT_S))
    except RedisUnavailable as exc:
        log.warning("response_not_stored", error=str(exc))


def _name(call: Call[Any, Any, Any], key: str) -> str:
    """The entry's Redis key. Callers are separate, and one idempotency key may serve several operations."""
    return f"{call.context.settings.namespace}:idempotency:{_entry(call.request, call.operation, call.caller, key)}"


def _entry(request: web.Request, operation: Operation, caller: Caller, key: str) -> str:
    parts = (caller.key_id or "", operation.method, request.rel_url.raw_path, key)
    return _digest(*(part.encode() for part in parts))


async def _hash(request: web.Request) -> str:
    return _digest(request.content_type.encode(), request.query_string.encode(), await read_bytes(request))


def _digest(*parts: bytes | bytearray) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(len(part).to_bytes(8, "little"))
        found.update(part)
    return found.hexdigest()
