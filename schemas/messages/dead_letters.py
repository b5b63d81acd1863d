"""The `dead-letters` topic's messages: the original key and value, the fault and its place in headers.

One message names one record, or several where many records of one large message share a reason: `index` is then a
list, `3,17,20`. A letter holds the whole original where that fits. Else it holds a part of it and `Cut`, and its place
is that of the original in Kafka.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from relearn.schemas.errors import BadMessage
from relearn.schemas.identity import INT32_MAX, INT64_MAX
from relearn.schemas.messages.headers import Headers, cloud_event, header_text
from relearn.schemas.topics import DEAD_LETTER_MAX_BYTES

CE_TYPE = "relearn.dead-letter.v1"

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


def is_ours(name: str) -> bool:
    """Whether a header is a dead letter's own, and none of its original."""
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
        *((name, value) for name, value in letter.original_headers if not is_ours(name)),
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
