"""Around every request: its id, access, reading, idempotency, problems, metrics, and the headers of every response."""

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
from relearn.api.http.call import Call, Caller, Handler
from relearn.api.http.context import CLOSING, CONTEXT
from relearn.api.http.problems import inference_error, problem_response, to_problem_error
from relearn.api.http.request import LEASE, read_body, read_path, read_query
from relearn.api.http.responses import json_response
from relearn.api.observe.metrics import METRICS, NO_OPERATION
from relearn.api.server.cors import add_cors_headers, preflight
from relearn.api.writes.idempotency import answer_once, read_key, write_id
from relearn.schemas.http.operation import Operation

log = structlog.get_logger()

REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
OPERATION: web.RequestKey[str] = web.RequestKey("operation", str)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
#: Errors under this path have the form of the Open Inference Protocol.
_INFERENCE = "/v2"
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


@web.middleware
async def handle_request(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Any:
    """Give the request its id, turn exceptions into problems, count the request and log a line at debug."""
    began_s = time.perf_counter()
    given = request.headers.get("X-Request-Id", "")
    request_id = request[REQUEST_ID] = given if _REQUEST_ID.fullmatch(given) else new_request_id()
    try:
        answer_to_preflight = preflight(request, _origins(request))
        response = await handler(request) if answer_to_preflight is None else answer_to_preflight
    except Exception as exc:  # noqa: BLE001 - every error becomes a response
        response = problem_for(request, exc)
    if request.app[CLOSING].is_set():
        response.force_close()
    took_s = time.perf_counter() - began_s
    operation = request.get(OPERATION, NO_OPERATION)
    request.app[METRICS].count_request(operation, response.status, None if response.prepared else took_s)
    took_ms = round(1000 * took_s, 1)
    log.debug("request", method=request.method, path=request.path, status=response.status, ms=took_ms, id=request_id)
    return response


async def add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers that every response has, streams too: aiohttp calls this just before it sends headers."""
    headers = response.headers
    headers["X-Request-Id"] = request.get(REQUEST_ID, "")
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    add_cors_headers(request, response, _origins(request))


def new_request_id() -> str:
    """32 hexadecimal digits."""
    return os.urandom(16).hex()


def problem_for(request: web.Request, exc: Exception) -> web.Response:
    """The response for `exc`; internal errors are logged with their traceback."""
    error = to_problem_error(exc)
    if error.kind == "internal":
        log.error("request_failed", path=request.path, id=request[REQUEST_ID], exc_info=exc)
    if request.path.startswith(_INFERENCE):
        return inference_error(error)
    return problem_response(error, request[REQUEST_ID])


def operation_handler(operation: Operation, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """`handler` behind the checks of its operation: API key, role, rate, parameters and body."""

    async def serve(request: web.Request) -> web.StreamResponse:
        request[OPERATION] = operation.id
        context = request.app[CONTEXT]
        caller = await request.app[GUARD].admit(request, operation)
        with context.memory.lease(caller.client) as lease:
            request[LEASE] = lease
            return await answer(request, caller)

    async def answer(request: web.Request, caller: Caller) -> web.StreamResponse:
        key = read_key(request, operation)
        call = Call(
            request,
            operation,
            request.app[CONTEXT],
            caller,
            request[REQUEST_ID],
            read_path(request, operation),
            read_query(request, operation),
            await read_body(request, operation),
            None if key is None else write_id(request, operation, caller, key),
        )

        async def respond() -> web.StreamResponse:
            answer = await handler(call)
            return json_response(answer, operation.status) if isinstance(answer, msgspec.Struct) else answer

        return await (respond() if key is None else answer_once(call, key, respond))

    return serve


def _origins(request: web.Request) -> tuple[str, ...]:
    return request.app[CONTEXT].settings.api_cors_origins
