"""One connection. What never comes to the door, since aiohttp refuses it, is answered here, as a problem too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from relearn.api.http.problems import Failure, failure_of, problem_response
from relearn.api.server.middleware import SECURE, new_request_id

_CONTINUE = "100-continue"


class Connection(web.RequestHandler):
    """Of aiohttp's own only the answers to what it refuses are others: its own would be plain text."""

    __slots__ = ()

    def close_if_idle(self) -> None:
        """Close it where no request has begun, as aiohttp does after the keep-alive time."""
        if self._waiter is not None and not self._waiter.done():
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Raises ConnectionError where a part of another answer was sent."""
        super().handle_error(request, status, exc, message)  # logs it, unless it is nobody's fault here
        unread = Failure("malformed", f"This can't be read as HTTP: {message}")
        return _answer(unread if status == 400 else failure_of(exc or RuntimeError()))

    async def _handle_request(
        self,
        request: web.BaseRequest,
        start_time: float | None,
        request_handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
    ) -> tuple[web.StreamResponse, bool]:
        """aiohttp looks at `Expect` before the door does, and fails at one that isn't ASCII."""
        known = request.headers.get("Expect", _CONTINUE).lower() == _CONTINUE
        return await super()._handle_request(request, start_time, request_handler if known else _refuse)


async def _refuse(_: web.BaseRequest) -> web.StreamResponse:
    return _answer(Failure("expectation-failed", f"Expect: {_CONTINUE} is the only one that is known here."))


def _answer(failure: Failure) -> web.Response:
    """The failure as the door would send it, and the connection's end."""
    request_id = new_request_id()
    response = problem_response(failure, request_id)
    response.headers.update({"X-Request-Id": request_id, **SECURE})
    response.force_close()
    return response
