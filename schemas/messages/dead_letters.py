"""The `dead-letters` topic's messages: the original key and value, the fault and its place in headers; bounded in size.

One message names one record, or several where many records of one large message share a reason: `index` is then a
list, `3,17,20`. A letter holds the whole original where that fits. Else it holds a part of it and `Cut`, and its place
is that of the original in Kafka.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from relearn.schemas.errors import BadMessage
from relearn.schemas.identity import INT32_MAX, INT64_MAX
from relearn.schemas.messages.headers import Headers, cloud_event, header_text, message_bytes
from relearn.schemas.messages.records import Fault, RawMessage, Reject, UnreadMessage
from relearn.schemas.topics import DEAD_LETTER_MAX_BYTES

CE_TYPE = "relearn.dead-letter.v1"
#: Maximum size of all copies of one original value together.
COPIES_MAX_BYTES = 1024 * 1024
#: Maximum size of the head of a value that doesn't fit.
HEAD_BYTES = 64 * 1024
#: Maximum number of records that one letter names.
INDEXES_MAX = 4096
#: Maximum size of the key, and maximum number and size of the original's headers.
KEY_MAX_BYTES = 4096
HEADERS_MAX = 64
HEADERS_MAX_BYTES = 16 * 1024
#: Above the size of any letter without its value.
FIXED_MAX_BYTES = 96 * 1024
_DETAIL_MAX = 500
#: Allowance for the sender's name in the CloudEvents headers.
_SOURCE = "/" + 255 * "x"

_FAULT_HEADERS = ("agent", "reason", "error", "topic", "generation", "partition", "offset", "index", "time")
#: Headers of a letter that holds a part of its original; the first is always among them.
CUT_HEADERS = ("original-size", "original-sha256", "original-key-size", "original-headers")
_OURS = frozenset((*_FAULT_HEADERS, *CUT_HEADERS))


@dataclass(frozen=True, slots=True)
class Cut:
    """What is known of an original that a letter doesn't hold as a whole.

    `value_bytes`, `value_sha256`: of the whole value; None: it has no value, or was not read. `key_bytes`: the size of
    the key, None: the letter has all of it. `headers`: the number of headers, None: the letter has them all.
    """

    value_bytes: int | None = None
    value_sha256: bytes | None = None
    key_bytes: int | None = None
    headers: int | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Records of one message that an agent rejected. `at` is in seconds since the epoch.

    Where `cut` is None, key, value and original_headers are those of the original.
    """

    agent: str
    reason: str
    error: str
    topic: str
    generation: int
    partition: int
    offset: int
    indexes: tuple[int, ...]
    at: float
    key: bytes | None
    value: bytes | None
    original_headers: Sequence[tuple[str, bytes]] = ()
    cut: Cut | None = None


def dead_letters(
    rejects: Iterable[Reject], *, agent: str, generation: int, now_s: float, limit_bytes: int = DEAD_LETTER_MAX_BYTES
) -> Iterator[DeadLetter]:
    """Dead letters for rejected records, by place. As a message each has at most `limit_bytes`, or no value.

    Copies of one value stay below COPIES_MAX_BYTES together, or there is one copy. The other letters of its message
    have an empty value.
    """
    messages: dict[tuple[str, int, int], RawMessage] = {}
    faults: dict[tuple[str, int, int], dict[str, list[Fault]]] = {}
    for message, fault in rejects:
        place = (message.topic, message.partition, message.offset)
        messages[place] = message
        faults.setdefault(place, {}).setdefault(fault.reason, []).append(fault)
    for place in sorted(messages):
        message = messages[place]
        cut = known_cut(message)
        size = len(message.value or b"") + 1
        copies = max(1, COPIES_MAX_BYTES // size)
        for number, part in enumerate(_parts(faults[place], copies)):
            letter = _whole_letter(message, part, agent, generation, now_s)
            bounded = _bounded(letter, limit_bytes if number < copies else 0, cut)
            cut = cut or bounded.cut
            yield bounded


def _parts(faults: dict[str, list[Fault]], copies: int) -> Iterator[list[Fault]]:
    """The faults of one message in parts of one reason each, so that few letters need a copy of the value."""
    each = min(INDEXES_MAX, -(-sum(map(len, faults.values())) // copies))
    for reason in sorted(faults):
        alike = sorted(faults[reason], key=attrgetter("index"))
        for start in range(0, len(alike), each):
            yield alike[start : start + each]


def _whole_letter(
    message: RawMessage, faults: Sequence[Fault], agent: str, generation: int, now_s: float
) -> DeadLetter:
    more = f" (and {len(faults) - 1} more records)" if len(faults) > 1 else ""
    return DeadLetter(
        agent,
        faults[0].reason,
        faults[0].detail[:_DETAIL_MAX] + more,
        message.topic,
        generation,
        message.partition,
        message.offset,
        tuple(fault.index for fault in faults),
        now_s,
        message.key,
        message.value,
        tuple(message.headers or ()),
        known_cut(message),
    )


def known_cut(message: RawMessage) -> Cut | None:
    """What is known of a message that was not read as a whole; None: it was."""
    if not isinstance(message, UnreadMessage) or message.whole:
        return None
    return Cut(message.value_bytes, message.value_sha256)


def _bounded(letter: DeadLetter, limit_bytes: int, cut: Cut | None) -> DeadLetter:
    """The letter within `limit_bytes`, with the bounds of key and headers. `cut`: that of the original, if known."""
    theirs = [(name, value) for name, value in letter.original_headers if not _is_ours(name)]
    key, value, kept = letter.key, letter.value, _first_headers(theirs)
    key = key and key[:KEY_MAX_BYTES]
    if value is not None and len(value) > limit_bytes - FIXED_MAX_BYTES:
        full = replace(letter, key=key, value=b"", original_headers=kept, cut=Cut(INT64_MAX, bytes(32), 0, 0))
        room = limit_bytes - message_bytes(b"", key, dead_letter_headers(full, _SOURCE))
        value = value if len(value) <= room else value[: max(0, min(HEAD_BYTES, room))]
    if len(value or b"") == len(letter.value or b"") and key == letter.key and len(kept) == len(theirs):
        return letter
    return replace(letter, key=key, value=value, original_headers=kept, cut=cut or _cut(letter, theirs))


def _cut(letter: DeadLetter, theirs: Sequence[Any]) -> Cut:
    value, key = letter.value, letter.key or b""
    return Cut(
        None if value is None else len(value),
        None if value is None else hashlib.sha256(value).digest(),
        len(key) if len(key) > KEY_MAX_BYTES else None,
        len(theirs) if len(_first_headers(theirs)) < len(theirs) else None,
    )


def _first_headers(theirs: Sequence[tuple[str, bytes]]) -> tuple[tuple[str, bytes], ...]:
    """The first headers up to HEADERS_MAX and HEADERS_MAX_BYTES."""
    size = 0
    for number, (name, value) in enumerate(theirs[: HEADERS_MAX + 1]):
        size += len(name.encode("utf-8", "replace")) + len(value or b"")
        if number == HEADERS_MAX or size > HEADERS_MAX_BYTES:
            return tuple(theirs[:number])
    return tuple(theirs)


def _is_ours(name: str) -> bool:
    return name in _OURS or name.startswith("ce_")


def dead_letter_headers(letter: DeadLetter, source: str) -> Headers:
    """The message's headers: the original's, then CloudEvents, then the dead letter's, which win over equal names."""
    ours = {
        "agent": letter.agent,
        "reason": letter.reason,
        "error": letter.error,
        "topic": letter.topic,
        "generation": str(letter.generation),
        "partition": str(letter.partition),
        "offset": str(letter.offset),
        "index": ",".join(map(str, letter.indexes)),
        "time": f"{letter.at:.6f}",
        **({} if letter.cut is None else _cut_texts(letter.cut)),
    }
    return [
        *((name, value) for name, value in letter.original_headers if not _is_ours(name)),
        *cloud_event(CE_TYPE, source, now_s=letter.at),
        *((name, value.encode("utf-8", "replace")) for name, value in ours.items()),
    ]


def _cut_texts(cut: Cut) -> dict[str, str]:
    """The headers of a cut. The first is always there: empty where there is no value, or none was read."""
    texts = {
        "original-size": "" if cut.value_bytes is None else str(cut.value_bytes),
        "original-sha256": None if cut.value_sha256 is None else cut.value_sha256.hex(),
        "original-key-size": None if cut.key_bytes is None else str(cut.key_bytes),
        "original-headers": None if cut.headers is None else str(cut.headers),
    }
    return {name: text for name, text in texts.items() if text is not None}


def decode_dead_letter(key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> DeadLetter:
    """The dead letter in one message.

    Raises:
        BadMessage: a header is missing or is no number.
    """

    def text(name: str, limit: int = 600) -> str:
        found = header_text(headers, name)
        if found is None:
            raise BadMessage("invalid", f"a dead letter without the header `{name}`")
        return found.replace("\0", "�")[:limit]

    try:
        generation, partition, offset = (int(text(name)) for name in ("generation", "partition", "offset"))
        indexes = tuple(dict.fromkeys(int(part) for part in text("index", DEAD_LETTER_MAX_BYTES).split(",")))
        at = float(text("time"))
        cut = _read_cut(headers)
    except ValueError as exc:
        raise BadMessage("invalid", f"a dead letter's header is no number: {exc}") from exc
    if min(generation, partition, offset, *indexes) < 0 or max(generation, partition, *indexes) > INT32_MAX:
        raise BadMessage("invalid", "a dead letter's header is a number that can't be")
    if not 0 <= at < 1e11 or offset > INT64_MAX:
        raise BadMessage("invalid", "a dead letter's time or offset is a number that can't be")
    return DeadLetter(
        agent=text("agent"),
        reason=text("reason"),
        error=text("error"),
        topic=text("topic"),
        generation=generation,
        partition=partition,
        offset=offset,
        indexes=indexes,
        at=at,
        key=key,
        value=value,
        original_headers=tuple((name, item) for name, item in headers if name not in _OURS),
        cut=cut,
    )


def _read_cut(headers: Sequence[tuple[str, bytes]]) -> Cut | None:
    """The cut in a letter's headers.

    Raises:
        ValueError: a header is no number, or one that no column holds.
    """
    size, sha256, *counts = (header_text(headers, name) for name in CUT_HEADERS)
    if size is None:
        return None
    value_bytes = int(size[:20]) if size else None
    key_bytes, count = (int(one[:20]) if one else None for one in counts)
    if not 0 <= (value_bytes or 0) <= INT64_MAX or any(not 0 <= (one or 0) <= INT32_MAX for one in (key_bytes, count)):
        raise ValueError(f"a size of {size[:20]}")
    return Cut(value_bytes, bytes.fromhex(sha256[:64]) if sha256 else None, key_bytes, count)
