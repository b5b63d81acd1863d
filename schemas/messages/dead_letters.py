"""The `dead-letters` topic's messages: the original key and value unchanged, the fault and its place in headers.

One message names one record, or several where many records of one large message share a reason: `index` is then a
list, `3,17,20`. That bounds the copies that one hostile message can cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from relearn.schemas.errors import BadMessage
from relearn.schemas.identity import INT32_MAX, INT64_MAX
from relearn.schemas.messages.headers import Headers, cloud_event, header_text
from relearn.schemas.messages.records import Reject
from relearn.schemas.topics import INGEST_MAX_BYTES

CE_TYPE = "relearn.dead-letter.v1"
#: Maximum size of all copies of one original value together.
COPIES_MAX_BYTES = 1024 * 1024
_DETAIL_MAX = 500


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Records of one message that an agent rejected. `at` is in seconds since the epoch."""

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


def dead_letters(rejects: Iterable[Reject], *, agent: str, generation: int, now_s: float) -> Iterator[DeadLetter]:
    """Dead letters for the rejects of `decode_chunk`, grouped so that copies of a value stay below COPIES_MAX_BYTES."""
    by_place = sorted(
        rejects, key=lambda r: (r.message.topic, r.message.partition, r.message.offset, r.fault.reason, r.fault.index)
    )
    for _, same in groupby(by_place, key=lambda r: (r.message.topic, r.message.partition, r.message.offset)):
        group = list(same)
        message = group[0].message
        size = len(message.value or b"") + 1
        each = -(-len(group) // max(1, COPIES_MAX_BYTES // size))
        for reason, faults in groupby((r.fault for r in group), key=lambda fault: fault.reason):
            alike = list(faults)
            for start in range(0, len(alike), each):
                part = alike[start : start + each]
                more = f" (and {len(part) - 1} more records)" if len(part) > 1 else ""
                yield DeadLetter(
                    agent,
                    reason,
                    part[0].detail[:_DETAIL_MAX] + more,
                    message.topic,
                    generation,
                    message.partition,
                    message.offset,
                    tuple(fault.index for fault in part),
                    now_s,
                    message.key,
                    message.value,
                    tuple(message.headers or ()),
                )


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
    }
    kept = [(name, value) for name, value in letter.original_headers if name not in ours and not name.startswith("ce_")]
    return [
        *kept,
        *cloud_event(CE_TYPE, source, now_s=letter.at),
        *((name, value.encode("utf-8", "replace")) for name, value in ours.items()),
    ]


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
        indexes = tuple(int(part) for part in text("index", INGEST_MAX_BYTES).split(","))
        at = float(text("time"))
    except ValueError as exc:
        raise BadMessage("invalid", f"a dead letter's header is no number: {exc}") from exc
    if min(generation, partition, offset, *indexes) < 0 or max(generation, partition, *indexes) > INT32_MAX:
        raise BadMessage("invalid", "a dead letter's header is a number that can't be")
    if not 0 <= at < 1e11 or offset > INT64_MAX:
        raise BadMessage("invalid", "a dead letter's time or offset is a number that can't be")
    ours = {"agent", "reason", "error", "topic", "generation", "partition", "offset", "index", "time"}
    kept = tuple((name, item) for name, item in headers if name not in ours)
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
        original_headers=kept,
    )
