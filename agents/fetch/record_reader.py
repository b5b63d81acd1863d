"""Reading numbers and bytes of records from pieces of a batch, up to a limit."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, NoReturn

from aiokafka.errors import CorruptRecordException

from relearn.agents.fetch.decompress import PIECE_BYTES


class TooMuch(Exception):
    """More decompressed bytes than a batch may have."""


class RecordReader:
    """Reads numbers and bytes from pieces, at most `limit_bytes` in all."""

    def __init__(self, found: Iterator[bytes | memoryview], limit_bytes: int) -> None:
        self.position = 0
        self._found = found
        self._limit_bytes = limit_bytes
        self._buffer: bytes | memoryview = b""
        self._at = 0
        self._taken = 0

    def take(self, n: int) -> bytes:
        """The next `n` bytes.

        Raises:
            TooMuch: behind the limit.
            CorruptRecordException: there are fewer.
            CantDecompress: as `pieces`.
        """
        if n < 0:
            corrupt(f"a length of {n}")
        if self._at + n > len(self._buffer):
            return b"".join(self._parts(n))
        taken = bytes(self._buffer[self._at : self._at + n])
        self._at += n
        self.position += n
        return taken

    def _parts(self, n: int) -> Iterator[bytes | memoryview]:
        while n > 0:
            if self._at == len(self._buffer):
                self._buffer, self._at = self._piece(), 0
            part = self._buffer[self._at : self._at + n]
            self._at += len(part)
            self.position += len(part)
            n -= len(part)
            yield part

    def _piece(self) -> bytes | memoryview:
        piece = next(self._found, None)
        if piece is None:
            corrupt("records end too soon")
        self._taken += len(piece)
        if self._taken > self._limit_bytes:
            raise TooMuch
        return piece

    def head(self, n: int, keep_bytes: int, digest: Any = None) -> bytes:
        """The first `keep_bytes` of the next `n` bytes, all of which are passed over and added to `digest`."""
        kept = b""
        for part in self._parts(n):
            kept += bytes(part[: keep_bytes - len(kept)])
            if digest is not None:
                digest.update(part)
        return kept

    def varint(self) -> int:
        """A number in zigzag encoding, of at most ten bytes."""
        value = 0
        for shift in range(0, 70, 7):
            if self._at < len(self._buffer):
                byte = self._buffer[self._at]
                self._at += 1
                self.position += 1
            else:
                byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return (value >> 1) ^ -(value & 1)
        raise CorruptRecordException("a number of more than ten bytes")


def corrupt(why: str) -> NoReturn:
    """Raise the error of aiokafka's parser."""
    raise CorruptRecordException(why)


def slices(data: bytes | memoryview) -> Generator[bytes | memoryview, None, None]:
    """`data` in pieces."""
    for start in range(0, len(data), PIECE_BYTES):
        yield data[start : start + PIECE_BYTES]


def varint_bytes(value: int, size: int) -> bytes:
    """`value`, not negative, in zigzag encoding of `size` bytes, as it was read."""
    left = value << 1
    out = bytearray()
    for number in range(size):
        out.append(left & 0x7F | (0x80 if number < size - 1 else 0))
        left >>= 7
    return bytes(out)
