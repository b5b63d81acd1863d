"""Decompression of a record batch piece by piece, so that memory is bounded whatever the batch expands to.

gzip and the blocks of snappy are decompressed step by step. For lz4 and zstd cramjam has no step-by-step decoder: a
thread decompresses into a pipe, and the end of the reader ends the thread.
"""

from __future__ import annotations

import os
import struct
import threading
import zlib
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Any

import cramjam

GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4
#: What is decompressed at a time. A block of snappy may be larger.
PIECE_BYTES = 256 * 1024
#: Maximum window of a zstd frame, which its decoder holds in memory, and maximum size of a snappy block.
WINDOW_MAX_BYTES = 16 * 1024 * 1024
_GZIP_INPUT_BYTES = 16 * 1024
_ZSTD_BLOCKS_MAX = 100_000
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_XERIAL_MAGIC = b"\x82SNAPPY\0"
_XERIAL_HEADER_BYTES = 16


class CantDecompress(Exception):
    """The data isn't valid, or takes a window that is too large."""


def unpacked(codec: int, data: bytes, whole_bytes: int) -> bytes | Generator[bytes, None, None]:
    """The decompressed records, in pieces where they have more than whole_bytes."""
    whole = at_once(codec, data, whole_bytes)
    if whole is not None:
        return whole
    found, first, size = pieces(codec, data), [], 0
    error: CantDecompress | None = None
    try:
        for piece in found:
            first.append(piece)
            size += len(piece)
            if size > whole_bytes:
                break
        else:
            return b"".join(first)
    except CantDecompress as exc:
        error = exc
    return _again(first, found, error)


def _again(
    first: list[bytes], found: Generator[bytes, None, None], error: CantDecompress | None
) -> Generator[bytes, None, None]:
    with closing(found):
        yield from first
        first.clear()
        if error is not None:
            raise error
        yield from found


def pieces(codec: int, data: bytes) -> Generator[bytes, None, None]:
    """The decompressed bytes in pieces. Close the generator to stop early.

    Raises:
        CantDecompress: the data, or the rest of it.
    """
    decompress = {GZIP: _gzip, SNAPPY: _snappy, LZ4: _lz4, ZSTD: _zstd}.get(codec)
    if decompress is None:
        raise CantDecompress(f"compression codec {codec}")
    try:
        with closing(decompress(data)) as found:
            yield from found
    except (zlib.error, struct.error, cramjam.DecompressionError) as exc:
        raise CantDecompress(str(exc)) from exc


def at_once(codec: int, data: bytes, limit_bytes: int) -> bytes | None:
    """The decompressed bytes of lz4 or zstd, without a thread; None: other codecs, more than the limit, or an error."""
    if codec not in {LZ4, ZSTD}:
        return None
    out = _buffers.of(limit_bytes)
    try:
        if codec == ZSTD:
            _check_zstd(data)
        size: int = (cramjam.lz4 if codec == LZ4 else cramjam.zstd).decompress_into(data, out)
    except (CantDecompress, struct.error, cramjam.DecompressionError):
        return None
    return bytes(memoryview(out)[:size])


class _Buffers(threading.local):
    """A buffer per thread, used again and again: pages that nothing wrote to take no memory."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def of(self, size_bytes: int) -> bytearray:
        if len(self._buffer) != size_bytes:
            self._buffer = bytearray(size_bytes)
        return self._buffer


_buffers = _Buffers()


def _gzip(data: bytes) -> Generator[bytes, None, None]:
    decoder = zlib.decompressobj(wbits=31)
    for start in range(0, len(data), _GZIP_INPUT_BYTES):
        left = data[start : start + _GZIP_INPUT_BYTES]
        while left:
            yield decoder.decompress(left, PIECE_BYTES)
            left = decoder.unconsumed_tail
            if decoder.eof:
                left, decoder = decoder.unused_data, zlib.decompressobj(wbits=31)
    # What the decoder still holds was limited by PIECE_BYTES.
    while piece := decoder.decompress(b"", PIECE_BYTES):
        yield piece


def _snappy(data: bytes) -> Generator[bytes, None, None]:
    if not data.startswith(_XERIAL_MAGIC):
        yield _snappy_block(data)
        return
    view, position = memoryview(data), _XERIAL_HEADER_BYTES
    while position < len(data):
        (size,) = struct.unpack_from(">i", data, position)
        position += 4
        if not 0 <= size <= len(data) - position:
            raise CantDecompress(f"a snappy block of {size} bytes")
        yield _snappy_block(bytes(view[position : position + size]))
        position += size


def _snappy_block(block: bytes) -> bytes:
    size = cramjam.snappy.decompress_raw_len(block)
    if size > WINDOW_MAX_BYTES:
        raise CantDecompress(f"a snappy block of {size} bytes")
    return bytes(cramjam.snappy.decompress_raw(block))


def _lz4(data: bytes) -> Generator[bytes, None, None]:
    return _piped(cramjam.lz4.decompress_into, data)


def _zstd(data: bytes) -> Generator[bytes, None, None]:
    _check_zstd(data)
    return _piped(cramjam.zstd.decompress_into, data)


def _check_zstd(data: bytes) -> None:
    """Return if `data` is one zstd frame (RFC 8878) whose window is small enough. No producer sends more frames.

    Raises:
        CantDecompress: it isn't.
    """
    if not data.startswith(_ZSTD_MAGIC):
        raise CantDecompress("no zstd frame")
    descriptor, position = data[4], 5
    single, content_flag = bool(descriptor & 0x20), descriptor >> 6
    if not single:
        base = 1 << (10 + (data[position] >> 3))
        window, position = base + base // 8 * (data[position] & 7), position + 1
    position += (0, 1, 2, 4)[descriptor & 3]
    size = (1 if single else 0, 2, 4, 8)[content_flag]
    if single:
        window = int.from_bytes(data[position : position + size], "little") + (256 if size == 2 else 0)
    position += size
    if window > WINDOW_MAX_BYTES:
        raise CantDecompress(f"a zstd window of {window} bytes")
    for _ in range(_ZSTD_BLOCKS_MAX):
        header = int.from_bytes(data[position : position + 3], "little")
        position += 3 + (1 if header >> 1 & 3 == 1 else header >> 3)
        if header & 1:
            break
    if position + (4 if descriptor & 4 else 0) != len(data):
        raise CantDecompress("more than one zstd frame, or a part of one")


def _piped(decompress_into: Callable[[bytes, Any], int], data: bytes) -> Generator[bytes, None, None]:
    read_end, write_end = os.pipe()
    failed: list[str] = []

    def write() -> None:
        try:
            try:
                out = cramjam.File(f"/dev/fd/{write_end}", read=False, write=True, truncate=False)
            finally:
                os.close(write_end)
            try:
                decompress_into(data, out)
            finally:
                del out  # closes the pipe
        except Exception as exc:  # noqa: BLE001 - raised by the reader
            failed.append(str(exc))

    thread = threading.Thread(target=write, name="decompress", daemon=True)
    thread.start()
    try:
        while piece := os.read(read_end, PIECE_BYTES):
            yield piece
    finally:
        os.close(read_end)
        thread.join()
    if failed:
        raise CantDecompress(failed[0])
