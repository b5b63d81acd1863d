"""CloudEvents headers in binary mode of the Kafka binding: every message that Relearn sends has them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

Headers = list[tuple[str, bytes]]


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


def header_text(headers: Iterable[tuple[str, bytes | None]], name: str) -> str | None:
    """The last value of header `name`, undecodable bytes replaced; None where there is none."""
    found = None
    for key, value in headers:
        if key == name and value is not None:
            found = value.decode("utf-8", "replace")
    return found
