"""What a dead letter is sent again as: the record alone, with the type of what it was."""

from __future__ import annotations

from datetime import UTC, datetime

import msgpack
import pytest

from relearn.agents.dead_letters.extract import decode_map
from relearn.agents.dead_letters.redriven_message import HEADER, redriven_message
from relearn.agents.stores.dead_letters import DeadLetterRow, Original
from relearn.schemas.errors import Refused
from relearn.schemas.messages.headers import WRITE_KEY, header_text

ONE = bytes(msgpack.packb({"features": [1.0]}))
MANY = bytes(msgpack.packb({"n": 2, "features": [[1.0], "x"]}))


def row_of(topic: str, reason: str = "invalid", index: int = 0) -> DeadLetterRow:
    return DeadLetterRow(7, "score", topic, 1, 2, 4, index, reason, "why", datetime(2026, 1, 1, tzinfo=UTC), None)


def sent_again(row: DeadLetterRow, value: bytes | None) -> tuple[bytes | None, str | None]:
    """The value, and its CloudEvents type."""
    given = [("ce_type", "relearn.dead-letter.v1"), ("h", "v"), (HEADER, "0-0-0"), (WRITE_KEY, "w")]
    original = Original(b"k", value, given)
    message = decode_map(value) if value else None
    topic, key, found, headers = redriven_message(row, original, message, namespace="ns", now_s=1.0)
    assert (topic, key) == (row.topic, b"k")
    assert [text for name, text in headers if name == HEADER] == [b"1-2-4-%d" % row.index]
    assert header_text(headers, "h") == "v"
    again = redriven_message(row, original, message, namespace="ns", now_s=2.0).headers
    keys = {text for name, text in (*headers, *again) if name == WRITE_KEY}
    assert len(keys - {b"w"}) == len(keys) == (1 if topic == "ns.ingest" else 0)
    return found, header_text(headers, "ce_type")


@pytest.mark.parametrize(
    ("topic", "value", "kind"),
    [
        ("ns.ingest", ONE, "relearn.record.v1"),
        ("ns.ingest", b"\xc1", "relearn.record.v1"),
        ("ns.ingest", None, "relearn.record.v1"),
        ("ns.feedback", b"{}", "relearn.feedback.v1"),
        ("ns.predictions", b"{}", "relearn.prediction-block.v1"),
    ],
)
def test_it_keeps_the_type_of_what_it_was(topic: str, value: bytes | None, kind: str) -> None:
    assert sent_again(row_of(topic), value) == (value, kind)


def test_a_record_that_is_cut_out_is_one_record_and_a_whole_message_is_many() -> None:
    value, kind = sent_again(row_of("ns.ingest", index=1), MANY)
    assert (decode_map(value or b""), kind) == ({"features": "x"}, "relearn.record.v1")
    assert sent_again(row_of("ns.ingest", "names"), MANY) == (MANY, "relearn.records.v1")


@pytest.mark.parametrize(
    "topic", ["ns.commands", "other.ingest", "ingest", "ns.dead-letters", "ns.model-updates", "ns.ingest2", ""]
)
def test_nothing_goes_to_a_topic_that_records_do_not_come_from(topic: str) -> None:
    """A dead letter's headers are untrusted input."""
    with pytest.raises(Refused):
        sent_again(row_of(topic), ONE)
