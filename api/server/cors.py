"""Cross-origin requests of browsers: allowed for the origins in RELEARN_API_CORS_ORIGINS only.

https://fetch.spec.whatwg.org/#http-cors-protocol. API keys are sent in a header that the page sets, never in
cookies: credentials are neither needed nor allowed.
"""

from __future__ import annotations

from collections.abc import Collection

from aiohttp import web

_METHODS = "GET, POST, PATCH"
_REQUEST_HEADERS = (
    "Authorization, Content-Encoding, Content-Type, Idempotency-Key, Inference-Header-Content-Length, Last-Event-ID, "
    "X-Request-Id"
)
_EXPOSED_HEADERS = "Content-Disposition, Inference-Header-Content-Length, Link, Location, Retry-After, X-Request-Id"
_MAX_AGE_S = 600


def preflight(request: web.Request, origins: Collection[str]) -> web.Response | None:
    """The answer to a CORS preflight request; None for other requests and origins that aren't allowed."""
    is_preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    if not is_preflight or not _allowed(request, origins):
        return None
    headers = {
        "Access-Control-Allow-Methods": _METHODS,
        "Access-Control-Allow-Headers": _REQUEST_HEADERS,
        "Access-Control-Max-Age": str(_MAX_AGE_S),
    }
    return web.Response(status=204, headers=headers)


def add_cors_headers(request: web.Request, response: web.StreamResponse, origins: Collection[str]) -> None:
    """Let pages of an allowed origin read the response; `Vary` makes caches keep one response per origin."""
    if not origins:
        return
    response.headers.add("Vary", "Origin")
    if _allowed(request, origins):
        response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
        response.headers["Access-Control-Expose-Headers"] = _EXPOSED_HEADERS


def _allowed(request: web.Request, origins: Collection[str]) -> bool:
    return request.headers.get("Origin", "").lower() in origins
