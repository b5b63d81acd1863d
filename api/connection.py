"""One connection. What can't be read as a request never comes to the door: it is answered here, as a problem too."""

from __future__ import annotations

from aiohttp import web

from api.door import SECURE, new_request_id
from api.failures import Failure, failure_of, problem_response


class Connection(web.RequestHandler):
    """Of aiohttp's own only the answers to what it can't read are others: its own would be plain text."""

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
        request_id = new_request_id()
        response = problem_response(unread if status == 400 else failure_of(exc or RuntimeError()), request_id)
        response.headers.update({"X-Request-Id": request_id, **SECURE})
        response.force_close()
        return response
