"""The web page: what a browser loads. It asks for a key by itself, so nobody needs one to load it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from relearn.schemas.http.operation import Operation


class PageFile(Struct, frozen=True):
    """A file of the page."""

    path: Annotated[str, Meta(pattern=r"^[a-z][A-Za-z0-9_./-]{0,120}$", examples=["app.js"])]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "get_page",
        "GET",
        "/",
        "Server",
        "The web page: see the stream, correct the model, watch it get better.",
        role=None,
        media=("text/html",),
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
        media=("text/javascript", "text/css", "image/svg+xml"),
    ),
)
