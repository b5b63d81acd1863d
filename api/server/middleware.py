"""The door: what every request passes on its way in and every answer on its way out."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog
from aiohttp import web

from relearn.api.access.guard import GUARD
from relearn.api.http.call import Call, Handler
from relearn.api.http.closing import CLOSING
from relearn.api.http.context import CONTEXT
from relearn.api.http.problems import failure_of, inference_error, problem_response
from relearn.api.http.request import read_body, read_path, read_query
from relearn.api.http.responses import json_response
from relearn.api.observe.metrics import MEASURES, NO_OPERATION
from relearn.api.server.cors import preflight, show_to_page
from relearn.api.writes.idempotency import once, read_key
from relearn.schemas.http.operation import Operation

log = structlog.get_logger()

REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
OPERATION: web.RequestKey[str] = web.RequestKey("operation", str)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
#: Errors under this path have the protocol's own form.
_INFERENCE = "/v2"
SECURE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


@web.middleware
async def door(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Any:
    """Give the request its id, make whatever is raised a problem, count it, and log a line at debug."""
    began_s = time.perf_counter()
    given = request.headers.get("X-Request-Id", "")
    request_id = request[REQUEST_ID] = given if _REQUEST_ID.fullmatch(given) else new_request_id()
    try:
        asked = preflight(request, _origins(request))
        response = await handler(request) if asked is None else asked
    except Exception as exc:  # noqa: BLE001 - every error is an answer
        response = refused(request, exc)
    if request.app[CLOSING].is_set():
        response.force_close()
    took_s = time.perf_counter() - began_s
    operation = request.get(OPERATION, NO_OPERATION)
    request.app[MEASURES].answered(operation, response.status, None if response.prepared else took_s)
    took_ms = round(1000 * took_s, 1)
    log.debug("answered", method=request.method, path=request.path, status=response.status, ms=took_ms, id=request_id)
    return response


async def dress(request: web.Request, response: web.StreamResponse) -> None:
    """The headers that every answer has, streams too: aiohttp calls this when they are about to be sent."""
    headers = response.headers
    headers["X-Request-Id"] = request.get(REQUEST_ID, "")
    for name, value in SECURE.items():
        headers.setdefault(name, value)
    show_to_page(request, response, _origins(request))


def new_request_id() -> str:
    """32 hexadecimal digits."""
    return os.urandom(16).hex()


def refused(request: web.Request, exc: Exception) -> web.Response:
    """The problem that `exc` is; a fault of ours is logged with its trace."""
    failure = failure_of(exc)
    if failure.kind == "internal":
        log.error("fault", path=request.path, id=request[REQUEST_ID], exc_info=exc)
    if request.path.startswith(_INFERENCE):
        return inference_error(failure)
    return problem_response(failure, request[REQUEST_ID])


def opened(operation: Operation, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """`handler` behind the checks of its operation: who asks, how often, and with what."""

    async def serve(request: web.Request) -> web.StreamResponse:
        request[OPERATION] = operation.id
        context = request.app[CONTEXT]
        caller = await request.app[GUARD].admit(request, operation)
        key = read_key(request, operation)
        call = Call(
            request,
            operation,
            context,
            caller,
            request[REQUEST_ID],
            read_path(request, operation),
            read_query(request, operation),
            await read_body(request, operation),
        )

        async def respond() -> web.StreamResponse:
            answer = await handler(call)
            return json_response(answer, operation.status) if isinstance(answer, msgspec.Struct) else answer

        return await (respond() if key is None else once(call, key, respond))

    return serve


def _origins(request: web.Request) -> tuple[str, ...]:
    return request.app[CONTEXT].settings.api_cors_origins
