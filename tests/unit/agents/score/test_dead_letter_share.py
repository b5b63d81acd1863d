"""The limit on dead letters."""

from __future__ import annotations

from relearn.agents.score.dead_letter_share import DeadLetterLimit
from relearn.schemas.messages.records import Fault, Reject
from tests.support.data.messages import FakeMessage


def test_a_few_bad_records_are_never_judged() -> None:
    assert not DeadLetterLimit(0.5, 1000).would_exceed(999, 999)


def test_a_stream_of_mostly_bad_records_exceeds_the_limit() -> None:
    diversion = DeadLetterLimit(0.5, 1000)
    diversion.add(900, 400)
    assert diversion.would_exceed(100, 101)
    assert not diversion.would_exceed(100, 100)


def test_a_good_chunk_never_exceeds_the_limit() -> None:
    diversion = DeadLetterLimit(0.5, 10)
    diversion.add(100, 100)
    assert not diversion.would_exceed(10, 0)


def test_long_gone_records_are_forgotten() -> None:
    diversion = DeadLetterLimit(0.5, 10)
    diversion.add(100, 100)
    for _ in range(100):
        diversion.add(10, 0)
    assert diversion.bad == 0
    assert diversion.records < 120


def test_after_a_resume_the_past_does_not_count() -> None:
    diversion = DeadLetterLimit(0.5, 10)
    diversion.add(100, 100)
    diversion.clear()
    assert not diversion.would_exceed(9, 9)


def test_the_bad_records_of_one_message_do_not_pause_a_stream() -> None:
    """A hundred thousand of them count as a tenth of the sample; those of ten messages are a stream of bad records."""
    limit = DeadLetterLimit(0.5, 1000)
    rejects = [Reject(FakeMessage(b"", offset=n), Fault(i, "text", "why")) for n in range(11) for i in range(2_000)]
    assert limit.bad_of(rejects[:2_000]) == 100
    assert not limit.would_exceed(100, limit.bad_of(rejects[:2_000]))
    assert limit.would_exceed(1100, limit.bad_of(rejects))
