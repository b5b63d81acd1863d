"""The web page: its HTML and the files that it loads."""

from __future__ import annotations

import re

from aiohttp import web

from relearn.api.http.call import Call, Handlers
from relearn.api.http.problems import ProblemError
from relearn.api.http.static_files import PAGE, START, PageFile, missing
from relearn.schemas.http.page import PageFile as FilePath

#: Own scripts and styles only, nothing inline, no framing.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_NOT_INSTALLED = """The web page isn't installed here: {missing} is missing.

In a clone, run `make setup` and start the API again. Everything else that the API serves is there: see /docs.
"""
_TAKES_GZIP = re.compile(r"(^|[,\s])gzip\s*(;\s*q=(1|0\.0*[1-9])|,|$)")


async def get_page(call: Call[None, None, None]) -> web.Response:
    """The page, or how to install it."""
    files = call.request.app[PAGE]
    if missing_files := missing(files):
        return web.Response(text=_NOT_INSTALLED.format(missing=", ".join(missing_files)), status=503)
    return _sent(call.request, files[START])


async def get_page_file(call: Call[FilePath, None, None]) -> web.Response:
    """One of the files that existed when this process started."""
    file = call.request.app[PAGE].get(call.path.path)
    if file is None:
        raise ProblemError("not-found", f"There is no {call.path.path} here.")
    return _sent(call.request, file)


def _sent(request: web.Request, file: PageFile) -> web.Response:
    """The file, compressed if the client accepts gzip; 304 if the client has it."""
    packed = _TAKES_GZIP.search(request.headers.get("Accept-Encoding", "").lower()) is not None
    tag = f"{file.tag}-gzip" if packed else file.tag
    headers = {
        "ETag": f'"{tag}"',
        "Cache-Control": "no-cache",
        "Vary": "Accept-Encoding",
        "Content-Security-Policy": _POLICY,
    }
    if any(one.value in {tag, "*"} for one in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    if packed:
        headers["Content-Encoding"] = "gzip"
    charset = None if file.media.startswith("image/") else "utf-8"
    body = file.packed if packed else file.plain
    return web.Response(body=body, headers=headers, content_type=file.media, charset=charset)


HANDLERS: Handlers = {"get_page": get_page, "get_page_file": get_page_file}
