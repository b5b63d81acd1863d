"""The OpenAPI and AsyncAPI documents, and Swagger UI, served from its wheel."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import msgspec
from aiohttp import web

from relearn.api.http.call import Call, Handlers
from relearn.api.http.problems import ProblemError
from relearn.schemas.asyncapi import asyncapi
from relearn.schemas.http.documents import DocsFile
from relearn.schemas.openapi import openapi

_TYPES = {".css": "text/css", ".js": "text/javascript", ".png": "image/png"}
_FILES = ("swagger-ui.css", "swagger-ui-bundle.js", "index.css", "favicon-16x16.png", "favicon-32x32.png")
_START = "start.js"
# Swagger UI uses inline styles and data: icons.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Relearn: the HTTP API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_SCRIPT = """SwaggerUIBundle({ url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null });
"""


@cache
def _openapi() -> bytes:
    return msgspec.json.encode(openapi())


@cache
def _asyncapi() -> bytes:
    return msgspec.json.encode(asyncapi())


async def get_openapi(_: Call[None, None, None]) -> web.Response:
    """The OpenAPI document."""
    return _document(_openapi(), "application/json")


async def get_asyncapi(_: Call[None, None, None]) -> web.Response:
    """The AsyncAPI document."""
    return _document(_asyncapi(), "application/json")


async def get_docs(_: Call[None, None, None]) -> web.Response:
    """Swagger UI's page."""
    response = _document(_PAGE.encode(), "text/html")
    response.headers["Content-Security-Policy"] = _POLICY
    return response


async def get_docs_file(call: Call[DocsFile, None, None]) -> web.Response:
    """One of the files that the page loads."""
    name = call.path.file
    if name == _START:
        return _document(_SCRIPT.encode(), "text/javascript")
    if name not in _FILES:
        raise ProblemError("not-found", f"There is no {name} here.")
    response = _document(_file(name), _TYPES[name[name.rindex(".") :]])
    response.headers["Cache-Control"] = "max-age=3600"
    return response


@cache
def _file(name: str) -> bytes:
    return files("swagger_ui").joinpath("static", name).read_bytes()


def _document(body: bytes, media: str) -> web.Response:
    charset = None if media.startswith("image/") else "utf-8"
    response = web.Response(body=body, content_type=media, charset=charset)
    response.enable_compression()
    return response


HANDLERS: Handlers = {
    "get_openapi": get_openapi,
    "get_asyncapi": get_asyncapi,
    "get_docs": get_docs,
    "get_docs_file": get_docs_file,
}
