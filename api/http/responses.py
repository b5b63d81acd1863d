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
from relearn.schemas.errors import RelearnError

log = structlog.get_logger()

PIECE_BYTES = 64 * 1024
#: The connection is cut when the reader is behind this rate, before compression, by more than this time.
LEAST_BYTES_PER_S = 64 * 1024
STALLED_S = 30.0
#: JSON bodies from this size on are compressed for clients that accept that.
_COMPRESSED_FROM_BYTES = 2048
#: Set on requests that are answered by a stream, which limits how slow its reader may be.
STREAMED: web.RequestKey[bool] = web.RequestKey("streamed", bool)
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
        ProblemError: the client, or all clients, are being sent as many files as there may be at once; retryable.
    """
    call.request[STREAMED] = True
    response = web.StreamResponse(headers={"Content-Disposition": f'attachment; filename="{name}"'})
    response.content_type, response.charset = media_type, "utf-8"
    response.enable_compression()
    async with aclosing(pieces):
        with call.context.files.seat(call.caller.client):
            piece = await anext(pieces, None)
            await response.prepare(call.request)
            try:
                patience_s = STALLED_S
                while piece is not None:
                    patience_s = await _write(response, piece, patience_s)
                    piece = await anext(pieces, None)
            except (ConnectionError, TimeoutError, RelearnError) as exc:
                log.info("stream_cut", path=call.request.path, error=str(exc) or type(exc).__name__)
                if call.request.transport is not None:
                    call.request.transport.abort()
    return response


async def _write(response: web.StreamResponse, piece: bytes, patience_s: float) -> float:
    """Write a piece. The time left for the next one, at most STALLED_S: less after pieces that took longer than
    LEAST_BYTES_PER_S allows, more after faster ones. The system's buffers, which take the first megabytes at once, earn
    a reader no time.

    Raises:
        TimeoutError: the reader was too slow.
    """
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    async with asyncio.timeout(patience_s):
        await response.write(piece)
    return min(STALLED_S, patience_s - (loop.time() - began_s) + len(piece) / LEAST_BYTES_PER_S)
