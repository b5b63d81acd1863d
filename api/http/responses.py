"""Responses: JSON, and files that are sent piece by piece as they are read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec
import structlog
from aiohttp import web

from relearn.api.http.call import Call
from relearn.api.http.context import STREAMS_AT_ONCE
from relearn.api.http.problems import ProblemError
from relearn.schemas.errors import RelearnError

log = structlog.get_logger()

PIECE_BYTES = 64 * 1024
#: The connection is cut when the reader takes no piece for this long.
STALLED_S = 30.0
#: JSON bodies from this size on are compressed for clients that accept that.
_COMPRESSED_FROM_BYTES = 2048
_encode = msgspec.json.Encoder().encode


def json_response(answer: Any, status: int = 200) -> web.Response:
    """`answer` as JSON."""
    body = _encode(answer)
    response = web.Response(body=body, status=status, content_type="application/json")
    if len(body) >= _COMPRESSED_FROM_BYTES:
        response.enable_compression()
    return response


async def stream_file(
    call: Call[Any, Any, Any], pieces: AsyncGenerator[bytes, None], media_type: str, name: str
) -> web.StreamResponse:
    """Send `pieces` as a file called `name`. The generator is closed at its end and when the reader disconnects.

    Errors before the first piece are raised. Later ones cut the connection, so that the reader sees an incomplete body.

    Raises:
        ProblemError: STREAMS_AT_ONCE files are being sent already; retryable.
    """
    if call.context.streams.locked():
        detail = f"{STREAMS_AT_ONCE} files are being sent; retry when one of them is complete."
        raise ProblemError("too-many-requests", detail, headers={"Retry-After": "5"})
    response = web.StreamResponse(headers={"Content-Disposition": f'attachment; filename="{name}"'})
    response.content_type, response.charset = media_type, "utf-8"
    response.enable_compression()
    async with call.context.streams, aclosing(pieces):
        piece = await anext(pieces, None)
        await response.prepare(call.request)
        try:
            while piece is not None:
                async with asyncio.timeout(STALLED_S):
                    await response.write(piece)
                piece = await anext(pieces, None)
        except (ConnectionError, TimeoutError, RelearnError) as exc:
            log.info("stream_cut", path=call.request.path, error=str(exc) or type(exc).__name__)
            if call.request.transport is not None:
                call.request.transport.abort()
    return response
