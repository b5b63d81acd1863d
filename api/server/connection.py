"""One connection: its limits, and problems for requests that aiohttp rejects before the middleware runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from relearn.api.http.problems import RETRY, ProblemError, problem_response, to_problem_error
from relearn.api.http.responses import STREAMED
from relearn.api.server.connections import Connections
from relearn.api.server.middleware import SECURITY_HEADERS, new_request_id

_CONTINUE = "100-continue"
#: Maximum size of a request's head.
MAX_HEAD_BYTES = 32 * 1024
#: Paths that a spare connection serves.
PROBES = frozenset(("/livez", "/readyz", "/v2/health/live", "/v2/health/ready"))


class Connection(web.RequestHandler):
    """aiohttp's own with limits, and with problems instead of plain text for rejected requests."""

    __slots__ = ("_connections", "_head_bytes", "_request", "_spare", "address")

    def __init__(self, manager: Any, *, connections: Connections, **given: Any) -> None:
        super().__init__(manager, **given)
        self.address = ""
        self._connections = connections
        self._head_bytes = 0
        self._request: web.BaseRequest | None = None
        self._spare = False

    @property
    def unsent_bytes(self) -> int:
        """As in `Held`. Streams have a limit of their own."""
        streams = self._request is not None and STREAMED in self._request
        return 0 if streams or self.transport is None else self.transport.get_write_buffer_size()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or close it."""
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) else ""
        taken = self._connections.add(self)
        super().connection_made(transport)
        self._spare = taken is False
        if taken is None:
            self.cut()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the connection."""
        self._connections.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count the bytes of a head that isn't complete."""
        before, waits = self._request_count, self._waits_for_head
        super().data_received(data)
        if not waits or not data:
            return
        if self._request_count != before:
            self._head_bytes = 0
            self._connections.busy(self)
            return
        if not self._head_bytes:
            self._connections.wait(self)
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(ProblemError("malformed", f"The request's head is larger than {MAX_HEAD_BYTES:,} bytes."))

    def expire(self) -> None:
        """Answer 408 if a head has begun, and close."""
        if self._head_bytes:
            self._refuse(ProblemError("request-timeout", "The request's head didn't arrive in time."))
        else:
            self.force_close()

    def evict(self) -> None:
        """Close the connection for another one, with 503 if a head has begun."""
        if self._head_bytes:
            detail = "Too many connections are open, and this one's request hadn't arrived."
            self._refuse(ProblemError("unavailable", detail, headers=RETRY))
        else:
            self.force_close()

    def cut(self) -> None:
        """Close at once; what wasn't sent is dropped."""
        if self.transport is not None:
            self.transport.abort()

    def close_if_idle(self) -> None:
        """Close the connection if no request has begun, as aiohttp does after the keep-alive time."""
        if self._waits_for_head:
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Raises ConnectionError if part of another response was sent."""
        super().handle_error(request, status, exc, message)  # logs it, unless the request was malformed
        unreadable = ProblemError("malformed", f"This can't be read as HTTP: {message}")
        return _answer(unreadable if status == 400 else to_problem_error(exc or RuntimeError()))

    async def _handle_request(
        self,
        request: web.BaseRequest,
        start_time: float | None,
        request_handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
    ) -> tuple[web.StreamResponse, bool]:
        """aiohttp reads `Expect` before the middleware runs, and fails if the header isn't ASCII."""
        if request.headers.get("Expect", _CONTINUE).lower() != _CONTINUE:
            request_handler = _reject_expectation
        elif self._spare and request.path not in PROBES:
            request_handler = _reject_for_now
        self._connections.busy(self)
        self._request = request
        try:
            return await super()._handle_request(request, start_time, request_handler)
        finally:
            self._request = None
            self._connections.idle(self)

    @property
    def _waits_for_head(self) -> bool:
        return self._waiter is not None and not self._waiter.done()

    def _refuse(self, error: ProblemError) -> None:
        """Answer a request whose head isn't complete, and close."""
        if self.transport is not None:
            response = _answer(error)
            head = "".join(f"{name}: {value}\r\n" for name, value in response.headers.items())
            body = response.body if isinstance(response.body, bytes) else b""
            lines = f"HTTP/1.1 {response.status} {response.reason}\r\n{head}"
            closing = f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            self.transport.write((lines + closing).encode() + body)
        self.force_close()


async def _reject_expectation(_: web.BaseRequest) -> web.StreamResponse:
    return _answer(ProblemError("expectation-failed", f"Expect: only {_CONTINUE} is supported."))


async def _reject_for_now(_: web.BaseRequest) -> web.StreamResponse:
    return _answer(ProblemError("unavailable", "Too many connections are open; retry.", headers=RETRY))


def _answer(error: ProblemError) -> web.Response:
    """The problem with the middleware's headers; the connection is closed after the response."""
    request_id = new_request_id()
    response = problem_response(error, request_id)
    response.headers.update({"X-Request-Id": request_id, **SECURITY_HEADERS})
    response.force_close()
    return response
