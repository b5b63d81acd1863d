"""The notes of a process outlive it, and say nothing where its end has another cause."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from relearn.agents.quarantine.in_hand import InHand, Span, left_behind, spans_of
from tests.support.data.messages import FakeMessage

SPAN = Span("t.ingest", "id", 1, 10, 20)
OTHER = Span("t.ingest", "id", 2, 5, 6)


def killed_after(directory: Path, work: Callable[[InHand], None]) -> list[Span]:
    """What a process left behind that was killed after `work`."""
    child = os.fork()
    if child == 0:
        try:
            work(InHand(directory))
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    (found,) = left_behind(directory)
    found.path.unlink()
    return [Span(*span) for span in found.spans]


def _noted_and_struck_out(notes: InHand) -> None:
    kept, struck = notes.note([SPAN]), notes.note([OTHER])
    struck.strike_out()
    struck.strike_out()
    assert kept.slot is not None


def _while_waiting(notes: InHand) -> None:
    notes.note([SPAN])
    notes.excuse()


def _after_waiting(notes: InHand) -> None:
    notes.note([SPAN, OTHER])
    with notes.excused(), notes.excused():
        pass


def _very_many(notes: InHand) -> None:
    for _ in range(100):
        notes.note([SPAN])
    notes.note([SPAN] * 10_000)


@pytest.mark.parametrize(
    ("work", "spans"),
    [
        (_noted_and_struck_out, [SPAN]),
        (_while_waiting, []),
        (_after_waiting, [SPAN, OTHER]),
        (_very_many, [SPAN] * 32),
        (lambda _: None, []),
    ],
)
def test_what_a_killed_process_had_in_hand_is_found(
    tmp_path: Path, work: Callable[[InHand], None], spans: list[Span]
) -> None:
    assert killed_after(tmp_path, work) == spans


def test_the_notes_of_a_process_that_lives_are_its_own(tmp_path: Path) -> None:
    notes = InHand(tmp_path)
    notes.note([SPAN])
    assert left_behind(tmp_path) == []


def test_a_damaged_file_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "in-hand.short").write_bytes(b"\0" * 5000)
    (tmp_path / "in-hand.empty").write_bytes(b"")
    (tmp_path / "in-hand.other").write_bytes(b"\0" * 4096 + b"\x09\0\0\0abcd" + b"x" * 20_000)
    assert [list(found.spans) for found in left_behind(tmp_path)] == [[], [], []]


def test_the_spans_of_a_chunk_are_found_in_few_steps() -> None:
    records = [FakeMessage(b"", offset=i, partition=p) for p in (3, 0, 7) for i in range(p, 5000)]
    assert spans_of("id", records) == [
        Span(records[0].topic, "id", 3, 3, 5000),
        Span(records[0].topic, "id", 0, 0, 5000),
        Span(records[0].topic, "id", 7, 7, 5000),
    ]
    assert spans_of("id", []) == []
