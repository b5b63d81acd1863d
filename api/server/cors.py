"""Pages of other origins: none may ask, but for those that RELEARN_API_CORS_ORIGINS names.

https://fetch.spec.whatwg.org/#http-cors-protocol. Keys travel in a header that a page sets by itself, never in cookies,
so that credentials are not allowed and not needed.
"""

from __future__ import annotations

from collections.abc import Collection

from aiohttp import web

_METHODS = "GET, POST, PATCH"
_SENT = (
    "Authorization, Content-Encoding, Content-Type, Idempotency-Key, Inference-Header-Content-Length, Last-Event-ID, "
    "X-Request-Id"
)
_SHOWN = "Content-Disposition, Inference-Header-Content-Length, Link, Location, Retry-After, X-Request-Id"
_KEPT_S = 600


def preflight(request: web.Request, origins: Collection[str]) -> web.Response | None:
    """The answer to a browser that asks whether a page may ask; None where nobody asks that, or it may not."""
    asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    if not asks or not _allowed(request, origins):
        return None
    headers = {
        "Access-Control-Allow-Methods": _METHODS,
        "Access-Control-Allow-Headers": _SENT,
        "Access-Control-Max-Age": str(_KEPT_S),
    }
    return web.Response(status=204, headers=headers)


def show_to_page(request: web.Request, response: web.StreamResponse, origins: Collection[str]) -> None:
    """Let a page of an allowed origin read the answer; caches are told that this depends on the origin."""
    if not origins:
        return
    response.headers.add("Vary", "Origin")
    if _allowed(request, origins):
        response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
        response.headers["Access-Control-Expose-Headers"] = _SHOWN


def _allowed(request: web.Request, origins: Collection[str]) -> bool:
    return request.headers.get("Origin", "").lower() in origins
