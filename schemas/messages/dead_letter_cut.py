"""Rejected records become dead letters that their topic takes: whole where that fits, else cut."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

from relearn.schemas.identity import INT64_MAX
from relearn.schemas.messages.dead_letters import Cut, DeadLetter, dead_letter_headers, is_ours
from relearn.schemas.messages.headers import message_bytes
from relearn.schemas.messages.records import Fault, RawMessage, Reject, UnreadMessage
from relearn.schemas.topics import DEAD_LETTER_MAX_BYTES

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
    theirs = [(name, value) for name, value in letter.original_headers if not is_ours(name)]
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
