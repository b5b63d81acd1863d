"""Cursors: where the next page of a list begins. Opaque to whoever holds one, and good for that list alone.

A cursor is a version, a digest and the key that its page ended at, in base64url. The digest covers the list, its
filters and the key, so that one of another list, of other filters, or made up isn't taken for a place in this one. It
is no secret: whoever makes one up that fits has only named a place to go on from.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta, Struct

from relearn.api.http.problems import Failure
from relearn.schemas.http.operation import PageQuery
from relearn.schemas.http.problems import FieldFault

K = TypeVar("K", bound=Struct)
T = TypeVar("T")

VERSION = b"\x01"
_DIGEST_BYTES = 8
_HEAD_BYTES = len(VERSION) + _DIGEST_BYTES
#: They say where in the list one is, not what is in it.
_NO_FILTERS = frozenset(("cursor", "limit"))
_WRONG = "isn't a cursor of this list with these filters: give `next` as it came, or none to begin"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Int32 = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Int64 = Annotated[int, Meta(ge=0, le=2**63 - 1)]
#: Microseconds since the epoch, of any time that `datetime` can tell.
TimeUs = Annotated[int, Meta(ge=-62_135_596_800_000_000, le=253_402_300_799_999_999)]


class Cursors(Generic[K]):
    """The cursors of one list: `name` stays the same across versions, `key` is what each of its items stands at."""

    def __init__(self, name: str, key: type[K]) -> None:
        self._name = name
        self._decoder = msgspec.msgpack.Decoder(key)

    def read(self, query: PageQuery, *path: str) -> K | None:
        """The key after which the page begins; None: at the beginning. `path`: variables of the list's own path.

        Raises:
            Failure: malformed, whatever is wrong with it.
        """
        if query.cursor is None:
            return None
        try:
            packed = urlsafe_b64decode(query.cursor + "=" * (-len(query.cursor) % 4))
            key = self._decoder.decode(packed[_HEAD_BYTES:])
            its = self.write(key, query, *path)
        except (ValueError, msgspec.MsgspecError, RecursionError) as exc:
            raise _wrong() from exc
        if its != query.cursor:
            raise _wrong()
        return key

    def write(self, key: K, query: PageQuery, *path: str) -> str:
        """The cursor of the page that begins after `key`."""
        packed = msgspec.msgpack.encode(key)
        filters = {name: value for name, value in msgspec.structs.asdict(query).items() if name not in _NO_FILTERS}
        bound = msgspec.msgpack.encode((self._name, path, sorted(filters.items()), packed))
        digest = blake2b(bound, digest_size=_DIGEST_BYTES).digest()
        return urlsafe_b64encode(VERSION + digest + packed).rstrip(b"=").decode()


def page_of(found: Sequence[T], limit: int) -> tuple[Sequence[T], T | None]:
    """The items of a page, of the `limit` + 1 that were looked for, and the last of them where more follow."""
    return (found[:limit], found[limit - 1]) if len(found) > limit else (found, None)


def microseconds(at: datetime) -> int:
    """A time as a key holds it."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def moment(us: int) -> datetime:
    """The time that a key holds."""
    return _EPOCH + timedelta(microseconds=us)


def _wrong() -> Failure:
    return Failure("malformed", f"cursor: {_WRONG}", [FieldFault("cursor", _WRONG)])
