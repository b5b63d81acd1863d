"""Bodies that come packed: which codings are read, and how one is unpacked without keeping anybody else waiting.

aiohttp's own unpacking is off: it unpacks before anybody has looked at who asks, and bodies that nobody reads as well.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator, Sequence

from relearn.api.http.problems import Failure

#: By the name of each coding how zlib is told of it; None: as it is.
_CODINGS = {"identity": None, "gzip": 31, "deflate": 15}
#: What some programs send as `deflate`: without the header and the checksum that belong to it.
_BARE_DEFLATE = -15
#: So much is unpacked in one go, and of so much: a fraction of a millisecond.
PIECE_BYTES = 64 * 1024


def coding_of(given: Sequence[str]) -> str:
    """The coding that the `Content-Encoding` headers of a request name.

    Raises:
        Failure: it isn't one that is read here.
    """
    coding = ",".join(given).strip().lower() or "identity"
    if coding not in _CODINGS:
        said = f"Content-Encoding: {coding[:40]!r} isn't one that is read here; there are: {', '.join(_CODINGS)}"
        raise Failure("unsupported-media-type", said, headers={"Accept-Encoding": ", ".join(_CODINGS)})
    return coding


async def unpack(packed: bytes, coding: str, limit_bytes: int) -> bytes:
    """`packed` unpacked, piece by piece; after each others have their turn.

    Raises:
        Failure: that would be more than `limit_bytes`, or it isn't packed so.
    """
    window = _CODINGS[coding]
    if window is None:
        return packed
    if coding == "deflate" and packed[:1] and packed[0] & 0x0F != zlib.DEFLATED:
        window = _BARE_DEFLATE
    unpacked, size_bytes = [], 0
    try:
        for piece in _pieces(packed, window):
            unpacked.append(piece)
            size_bytes += len(piece)
            if size_bytes > limit_bytes:
                raise too_large(limit_bytes)
            await asyncio.sleep(0)
    except (zlib.error, EOFError) as exc:
        raise Failure("malformed", f"The body can't be unpacked: it isn't {coding}, or not to its end") from exc
    return b"".join(unpacked)


def too_large(limit_bytes: int) -> Failure:
    """The failure of a body that is larger than that."""
    return Failure("too-large", f"The body is larger than {limit_bytes:,} bytes")


def _pieces(packed: bytes, window: int) -> Iterator[bytes]:
    """Raises zlib.error or EOFError. gzip may have several members, one after the other."""
    unpacker = zlib.decompressobj(window)
    for start in range(0, len(packed), PIECE_BYTES):
        rest, full = packed[start : start + PIECE_BYTES], True
        while rest or (full and not unpacker.eof):
            if unpacker.eof:
                unpacker = zlib.decompressobj(window)
            piece = unpacker.decompress(rest, PIECE_BYTES)
            rest = unpacker.unconsumed_tail or unpacker.unused_data
            full = len(piece) == PIECE_BYTES
            yield piece
    if not unpacker.eof:
        raise EOFError
