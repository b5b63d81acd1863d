"""The web page as a browser loads it. The page itself asks for a key, so that loading it needs none."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from relearn.schemas.http.operation import Operation


class PageFile(Struct, frozen=True):
    """A file of the web page."""

    path: Annotated[str, Meta(pattern=r"^[a-z][A-Za-z0-9_./-]{0,120}$", examples=["app.js"])]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "get_page",
        "GET",
        "/",
        "Server",
        "The web page.",
        role=None,
        media=("text/html",),
        documented=False,
    ),
    Operation(
        "get_page_file",
        "GET",
        "/web/{path}",
        "Server",
        "A file of the web page.",
        role=None,
        path_type=PageFile,
        deep=True,
        documented=False,
        media=("text/javascript", "text/css", "image/svg+xml"),
    ),
)
