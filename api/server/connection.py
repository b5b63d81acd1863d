"""One connection. Requests that aiohttp rejects before the middleware runs are answered here, as problems too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from relearn.api.http.problems import ProblemError, problem_response, to_problem_error
from relearn.api.server.middleware import SECURITY_HEADERS, new_request_id

_CONTINUE = "100-continue"


class Connection(web.RequestHandler):
    """aiohttp's own, except that rejected requests are answered with a problem instead of plain text."""

    __slots__ = ()

    def close_if_idle(self) -> None:
        """Close the connection if no request has begun, as aiohttp does after the keep-alive time."""
        if self._waiter is not None and not self._waiter.done():
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
        known = request.headers.get("Expect", _CONTINUE).lower() == _CONTINUE
        return await super()._handle_request(request, start_time, request_handler if known else _reject_expectation)


async def _reject_expectation(_: web.BaseRequest) -> web.StreamResponse:
    return _answer(ProblemError("expectation-failed", f"Expect: only {_CONTINUE} is supported."))


def _answer(error: ProblemError) -> web.Response:
    """The problem with the middleware's headers; the connection is closed after the response."""
    request_id = new_request_id()
    response = problem_response(error, request_id)
    response.headers.update({"X-Request-Id": request_id, **SECURITY_HEADERS})
    response.force_close()
    return response
