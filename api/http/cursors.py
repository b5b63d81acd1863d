"""Pages of a list, and the cursors between them. A cursor is opaque to clients and valid for one list and its filters.

A cursor is a version, a digest and the key of the page's last row, in base64url. The digest covers the list, its
filters and the key: a cursor of another list, of other filters, or a made-up one is rejected. The digest is no secret:
a forged cursor only names a position in the list.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta, Struct

from relearn.api.http.problems import ProblemError
from relearn.schemas.http.operation import PageQuery
from relearn.schemas.http.problems import FieldFault
from relearn.schemas.identity import INT32_MAX, INT64_MAX

K = TypeVar("K", bound=Struct)
T = TypeVar("T")

VERSION = b"\x01"
_DIGEST_BYTES = 8
_HEAD_BYTES = len(VERSION) + _DIGEST_BYTES
#: Query parameters that select a page, not rows.
_NO_FILTERS = frozenset(("cursor", "limit"))
_WRONG = "isn't a cursor of this list with these filters: use `next` unchanged, or none for the first page"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Int32 = Annotated[int, Meta(ge=0, le=INT32_MAX)]
Int64 = Annotated[int, Meta(ge=0, le=INT64_MAX)]
#: Microseconds since the epoch, in the range of `datetime`.
LATEST_US = 253_402_300_799_999_999
TimeUs = Annotated[int, Meta(ge=-62_135_596_800_000_000, le=LATEST_US)]


class Cursors(Generic[K]):
    """Cursors of one list. `name` is in each digest: renaming a list invalidates its cursors. `key`: their type."""

    def __init__(self, name: str, key: type[K]) -> None:
        self._name = name
        self._decoder = msgspec.msgpack.Decoder(key)

    async def page(
        self,
        query: PageQuery,
        fetch: Callable[[K | None, int], Awaitable[Sequence[T]]],
        key_of: Callable[[T], K],
        *path: str,
    ) -> tuple[Sequence[T], str | None]:
        """The rows of the page that `query` selects, and the cursor of the next page; None at the end of the list.

        Args:
            fetch: reads the rows after a key (None: from the beginning), at most a limit.
            key_of: the key of a row.
            path: variables of the list's own path.

        Raises:
            ProblemError: malformed cursor.
        """
        rows, last = split_page(await fetch(self.read(query, *path), query.limit + 1), query.limit)
        return rows, None if last is None else self.write(key_of(last), query, *path)

    def read(self, query: PageQuery, *path: str) -> K | None:
        """The key after which the page begins; None for the first page. `path`: variables of the list's own path.

        Raises:
            ProblemError: malformed cursor.
        """
        if query.cursor is None:
            return None
        try:
            packed = urlsafe_b64decode(query.cursor + "=" * (-len(query.cursor) % 4))
            key = self._decoder.decode(packed[_HEAD_BYTES:])
            expected = self.write(key, query, *path)
        except (ValueError, msgspec.MsgspecError, RecursionError) as exc:
            raise _wrong() from exc
        if expected != query.cursor:
            raise _wrong()
        return key

    def write(self, key: K, query: PageQuery, *path: str) -> str:
        """The cursor of the page that begins after `key`."""
        packed = msgspec.msgpack.encode(key)
        filters = {name: value for name, value in msgspec.structs.asdict(query).items() if name not in _NO_FILTERS}
        bound = msgspec.msgpack.encode((self._name, path, sorted(filters.items()), packed))
        digest = blake2b(bound, digest_size=_DIGEST_BYTES).digest()
        return urlsafe_b64encode(VERSION + digest + packed).rstrip(b"=").decode()


def split_page(found: Sequence[T], limit: int) -> tuple[Sequence[T], T | None]:
    """The first `limit` of at most `limit` + 1 fetched rows, and the last of these where more follow."""
    return (found[:limit], found[limit - 1]) if len(found) > limit else (found, None)


def microseconds(at: datetime) -> int:
    """A time as keys hold it."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def moment(us: int) -> datetime:
    """The time that a key holds."""
    return _EPOCH + timedelta(microseconds=us)


def _wrong() -> ProblemError:
    return ProblemError("malformed", f"cursor: {_WRONG}", [FieldFault("cursor", _WRONG)])
