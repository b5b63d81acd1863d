"""`Idempotency-Key`: a write that is sent again gets the answer of the first, for 24 hours. Best effort, in Redis.

One entry per caller, method, path and key. Whoever comes first claims it, and then it holds the answer; an attempt
that fails, for whatever reason, frees it. Without the header nothing is asked of Redis.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog
from aiohttp import web

from relearn.agents.stores.redis import Redis, redis_translated
from relearn.api.http.call import Call
from relearn.api.http.problems import RETRY, Failure
from relearn.api.http.request import read_bytes
from relearn.schemas.errors import RedisUnavailable
from relearn.schemas.http.operation import Operation

log = structlog.get_logger()

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT_S = 24 * 3600
#: A claim is free again after so long, if whoever made it died.
CLAIM_S = 30
_KEY = re.compile(r"^[\x21-\x7e]{1,255}$")
_SETTLE = """
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('del', KEYS[1]) end
redis.call('set', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""


class _Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """`request` is the hash of what was asked; without an answer yet, `claim` is whose turn it is."""

    request: str
    claim: str
    status: int = 0
    content_type: str = ""
    body: bytes = b""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Entry).decode


def read_key(request: web.Request, operation: Operation) -> str | None:
    """The key that was sent; None where there is none, or this operation has no use for one.

    Raises:
        Failure: it can't be a key.
    """
    given = request.headers.getall(HEADER, []) if operation.idempotent else []
    if not given:
        return None
    if len(given) > 1 or not _KEY.match(given[0]):
        raise Failure("malformed", f"{HEADER}: one, of 1 to 255 visible ASCII characters")
    return given[0]


async def once(
    call: Call[Any, Any, Any], key: str, answer: Callable[[], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """The answer that this key had, else `answer()`, which is kept if all went well.

    Raises:
        Failure: the key was used for another request, or the first one with it isn't done.
        RedisUnavailable: nothing was done.
    """
    redis, name = call.context.redis, _name(call, key)
    mine = _Entry(await _hash(call.request), secrets.token_hex(8))
    with redis_translated():
        before = await _claim(redis, name, mine)
    if before is not None:
        return _again(before, mine)
    try:
        response = await answer()
    except BaseException:
        await _settle(redis, name, mine, None)
        raise
    await _settle(redis, name, mine, response)
    return response


async def _claim(redis: Redis, name: str, mine: _Entry) -> _Entry | None:
    """None: it is ours now. Else what is there, unless it goes in the same moment: then somebody else is at it."""
    for _ in range(2):
        if await redis.set(name, _encode(mine), nx=True, ex=CLAIM_S):
            return None
        if (found := await redis.get(name)) is not None:
            return _decode(found)
    return _Entry(mine.request, "")


def _again(before: _Entry, mine: _Entry) -> web.Response:
    if before.request != mine.request:
        raise Failure("invalid", f"This {HEADER} was used for another request; take a new one.")
    if not before.status:
        raise Failure("conflict", f"The first request with this {HEADER} isn't done yet.", headers=RETRY)
    body, headers = zlib.decompress(before.body), {REPLAYED: "true"}
    return web.Response(body=body, status=before.status, content_type=before.content_type, headers=headers)


async def _settle(redis: Redis, name: str, mine: _Entry, response: web.StreamResponse | None) -> None:
    """Keep the answer if it is a good one, else free the key; only while it is ours."""
    claim, entry = _encode(mine), b""
    if isinstance(response, web.Response) and response.status < 300 and isinstance(response.body, bytes):
        body = zlib.compress(response.body, 1)
        entry = _encode(_Entry(mine.request, mine.claim, response.status, response.content_type, body))
    try:
        with redis_translated():
            await redis.eval(_SETTLE, 1, name, claim, entry, str(KEPT_S))
    except RedisUnavailable as exc:
        log.warning("answer_not_kept", error=str(exc))


def _name(call: Call[Any, Any, Any], key: str) -> str:
    """Where it stands: nobody sees another's answers, and a key may serve several operations."""
    parts = (call.caller.key_id or "", call.operation.method, call.request.rel_url.raw_path, key)
    return f"{call.context.settings.namespace}:idempotency:{_digest(*(part.encode() for part in parts))}"


async def _hash(request: web.Request) -> str:
    return _digest(request.content_type.encode(), request.query_string.encode(), await read_bytes(request))


def _digest(*parts: bytes) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(len(part).to_bytes(8, "little") + part)
    return found.hexdigest()
