"""CloudEvents headers in binary mode of the Kafka binding, which every message of Relearn has; a message's size."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

Headers = list[tuple[str, bytes]]

#: Messages of `ingest` with equal values are one write, stored once. At most MAX_WRITE_KEY_BYTES of ASCII.
WRITE_KEY = "idempotency-key"
MAX_WRITE_KEY_BYTES = 64
# Maximum sizes in Kafka's message format 2: a record batch, a record in the batch, and a header of the record, each
# without the bytes of key, value, names and values of headers.
_BATCH_BYTES = 61
_RECORD_BYTES = 36
_HEADER_BYTES = 10


def cloud_event(kind: str, source: str, *, now_s: float, event_id: str | None = None) -> Headers:
    """Headers for one message.

    Args:
        kind: the CloudEvents type, as `relearn.prediction-block.v1`.
        source: the sender, as `/relearn/score-1`.
        now_s: the sender's clock, seconds since the epoch.
        event_id: unique within `source`; a random UUID where none is given.
    """
    time = datetime.fromtimestamp(now_s, UTC).isoformat()
    return [
        ("ce_specversion", b"1.0"),
        ("ce_type", kind.encode()),
        ("ce_id", (event_id or str(uuid.uuid4())).encode()),
        ("ce_source", source.encode()),
        ("ce_time", time.encode()),
    ]


def write_key(headers: Iterable[tuple[str, bytes | None]]) -> str | None:
    """The value of the header WRITE_KEY; None where there is none, or one that can't be used."""
    found = dict(headers).get(WRITE_KEY)
    if not found or len(found) > MAX_WRITE_KEY_BYTES or not found.isascii() or b"\0" in found:
        return None
    return found.decode()


def header_text(headers: Iterable[tuple[str, bytes | None]], name: str) -> str | None:
    """The last value of header `name`, undecodable bytes replaced; None where there is none."""
    found = None
    for key, value in headers:
        if key == name and value is not None:
            found = value.decode("utf-8", "replace")
    return found


def message_bytes(
    value: bytes | None, key: bytes | None = None, headers: Sequence[tuple[str, bytes | None]] | None = None
) -> int:
    """Maximum size in bytes that the broker counts for one uncompressed message: never less than what it counts."""
    size = _BATCH_BYTES + _RECORD_BYTES + len(value or b"") + len(key or b"")
    for name, content in headers or ():
        size += _HEADER_BYTES + len(name.encode("utf-8", "surrogatepass")) + len(content or b"")
    return size
