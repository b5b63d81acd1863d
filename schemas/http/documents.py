"""The API's own documents, and a page that renders them without any other server."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from relearn.schemas.http.operation import Operation


class DocsFile(Struct, frozen=True):
    """A file of `/docs`."""

    file: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9.-]{0,60}$")]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "get_openapi",
        "GET",
        "/openapi.json",
        "Server",
        "This API, as an OpenAPI 3.1 document.",
        role=None,
        answer=dict,
    ),
    Operation(
        "get_asyncapi",
        "GET",
        "/asyncapi.json",
        "Server",
        "The topics and their messages, as an AsyncAPI 3 document.",
        role=None,
        answer=dict,
    ),
    Operation(
        "get_docs",
        "GET",
        "/docs",
        "Server",
        "A page that shows the OpenAPI document.",
        # As the document itself: a browser sends no key when it opens an address.
        role=None,
        media=("text/html",),
        documented=False,
    ),
    Operation(
        "get_docs_file",
        "GET",
        "/docs/{file}",
        "Server",
        "A file of that page.",
        role=None,
        path_type=DocsFile,
        media=("text/css", "text/javascript", "image/png"),
        documented=False,
    ),
)
