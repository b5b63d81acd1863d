"""The counts agree, or the summary names those that don't."""

from __future__ import annotations

import pytest
from rich.console import Console

from relearn.scripts.demo.checks.counts import Counted, Served, disagreeing
from relearn.scripts.demo.display.summary import summary, verdict

SENT = Counted("sent", 10, 100)


SAID = Counted("sent as feedback", 7, 7, "answers")


SERVED = Served(2, {"score-1": 2, "score-2": 2})


def shown(*counts: Counted, served: Served = SERVED) -> str:
    console = Console(width=80, color_system=None)
    with console.capture() as captured:
        console.print(summary([SENT, *counts], served))
    return captured.get()


def test_counts_agree_when_all_say_the_same() -> None:
    """A place that counts only messages or only records is compared by that; answers are counted apart from records."""
    counts = [Counted("Kafka", messages=10), Counted("rows", records=100), SAID, Counted("told", 7, of="answers")]
    assert disagreeing([SENT, *counts]) == []
    text = shown(*counts)
    assert "All agree: 100 records and 7 answers, each stored exactly once." in text
    assert "All agree: score-1 and score-2 serve activation 2, as in Postgres." in text


@pytest.mark.parametrize("wrong", [Counted("rows", records=99), Counted("Kafka", messages=11), Counted("Redis")])
def test_whoever_says_otherwise_or_nothing_is_named_loudly(wrong: Counted) -> None:
    """One too few, one too many, no answer."""
    assert disagreeing([SENT, Counted("good", 10, 100), wrong]) == [wrong]
    text = shown(wrong)
    assert f"THESE DON'T AGREE: {wrong.where}: " in text
    assert "differs" in text
    assert str(verdict([SENT, wrong], SERVED)).startswith("THESE DON'T AGREE")


def test_an_answer_too_few_is_no_record_too_few() -> None:
    """Each kind is held against what was sent of it."""
    lost = Counted("rows in corrections", records=6, of="answers")
    assert disagreeing([SENT, Counted("rows", records=100), SAID, lost]) == [lost]
    assert str(verdict([SENT, SAID, lost], SERVED)) == "THESE DON'T AGREE: rows in corrections: 6 answers."


@pytest.mark.parametrize(
    ("served", "words"),
    [
        (Served(3, {"score-1": 3, "score-2": 2}), "score-1 serves activation 3; score-2 serves activation 2"),
        (Served(3, {}), "no heartbeat of a score worker"),
        (Served(3, {"score-1": None}), "score-1 serves activation None"),
    ],
)
def test_workers_that_serve_something_else_are_named_loudly(served: Served, words: str) -> None:
    """One that is late, none at all, one without a model."""
    assert not served.agrees
    assert str(verdict([SENT], served)) == f"THESE DON'T AGREE: {words}, and Postgres has activation 3."


def test_only_workers_that_score_serve() -> None:
    """Heartbeats come from all roles."""
    beats = [
        {"id": "score-1", "role": "score", "activation": 2},
        {"id": "store-1", "role": "store", "activation": None},
    ]
    assert Served.of(2, beats) == Served(2, {"score-1": 2})
