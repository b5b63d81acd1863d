"""Compressed request bodies: the supported codings, and decompression that doesn't block the event loop.

aiohttp's own decompression is off: it would run before the API key is checked, and for bodies that are never read.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Iterator, Sequence

from relearn.api.http.problems import ProblemError

#: zlib's window bits by coding; None: not compressed.
_CODINGS = {"identity": None, "gzip": 31, "deflate": 15}
#: Raw deflate, which some clients send as `deflate`: without header and checksum.
_BARE_DEFLATE = -15
#: Maximum input and output of one step: a fraction of a millisecond.
PIECE_BYTES = 64 * 1024


def coding_of(given: Sequence[str]) -> str:
    """The coding that a request's `Content-Encoding` headers name.

    Raises:
        ProblemError: unsupported coding.
    """
    coding = ",".join(given).strip().lower() or "identity"
    if coding not in _CODINGS:
        detail = f"Content-Encoding: {coding[:40]!r} isn't supported; there are: {', '.join(_CODINGS)}"
        raise ProblemError("unsupported-media-type", detail, headers={"Accept-Encoding": ", ".join(_CODINGS)})
    return coding


async def unpack(
    packed: bytes | bytearray, coding: str, limit_bytes: int, on_piece: Callable[[bytes], None] = lambda piece: None
) -> bytes | bytearray:
    """`packed` decompressed step by step; other tasks run between steps. `on_piece` gets each piece, and may raise.

    Raises:
        ProblemError: more than `limit_bytes`, or not valid data of this coding.
    """
    window = _CODINGS[coding]
    if window is None:
        return packed
    if coding == "deflate" and packed[:1] and packed[0] & 0x0F != zlib.DEFLATED:
        window = _BARE_DEFLATE
    unpacked = bytearray()
    try:
        for piece in _pieces(packed, window):
            unpacked += piece
            if len(unpacked) > limit_bytes:
                raise too_large(limit_bytes)
            on_piece(piece)
            await asyncio.sleep(0)
    except (zlib.error, EOFError) as exc:
        raise ProblemError("malformed", f"The body can't be decompressed: it isn't {coding}, or is incomplete") from exc
    return unpacked


def too_large(limit_bytes: int) -> ProblemError:
    """The error for a larger body."""
    return ProblemError("too-large", f"The body is larger than {limit_bytes:,} bytes")


def _pieces(packed: bytes | bytearray, window: int) -> Iterator[bytes]:
    """Raises zlib.error or EOFError. A gzip body may have several members."""
    unpacker = zlib.decompressobj(window)
    for start in range(0, len(packed), PIECE_BYTES):
        rest, full = bytes(packed[start : start + PIECE_BYTES]), True
        while rest or (full and not unpacker.eof):
            if unpacker.eof:
                unpacker = zlib.decompressobj(window)
            piece = unpacker.decompress(rest, PIECE_BYTES)
            rest = unpacker.unconsumed_tail or unpacker.unused_data
            full = len(piece) == PIECE_BYTES
            yield piece
    if not unpacker.eof:
        raise EOFError
