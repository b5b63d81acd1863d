"""Long answers, sent piece by piece as they are read: few at a time, and nobody is waited for without end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import structlog
from aiohttp import web

from relearn.api.http.call import Call
from relearn.api.http.context import STREAMS_AT_ONCE
from relearn.api.http.problems import Failure
from relearn.schemas.errors import RelearnError

log = structlog.get_logger()

PIECE_BYTES = 64 * 1024
#: A reader that takes no piece for so long is gone.
STALLED_S = 30.0


async def streamed(
    call: Call[Any, Any, Any], pieces: AsyncGenerator[bytes, None], media_type: str, name: str
) -> web.StreamResponse:
    """Send `pieces` as a file called `name`; closed at its end, and when the reader goes away.

    What fails before the first piece is there is raised. After that the connection is cut, so that the reader sees
    that the answer has no end.

    Raises:
        Failure: there are so many streams that this one has to wait.
    """
    if call.context.streams.locked():
        said = f"{STREAMS_AT_ONCE} long answers are being sent; ask again when one is through."
        raise Failure("too-many-requests", said, headers={"Retry-After": "5"})
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
