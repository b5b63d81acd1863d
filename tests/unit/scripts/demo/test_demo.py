"""The demo's figures, its stream, and its summary."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from relearn.schemas.messages.ingest_fast_path import decode_chunk
from relearn.scripts.data.datasets import Dataset
from relearn.scripts.demo.checks.counts import Counted, Served, disagreeing
from relearn.scripts.demo.display.console import report_lines
from relearn.scripts.demo.display.figures import Figures, Learning, Rate, lines, panel, percentile
from relearn.scripts.demo.display.summary import summary, verdict
from relearn.scripts.demo.traffic.stream import PIECE, Labelled, labelled, records
from relearn.scripts.demo.watch.rows import RECENT, Accuracy
from tests.unit.scripts.data.test_messages import Fetched

REAL = Dataset(
    "made",
    ("a", "b"),
    np.arange(200.0).reshape(100, 2),
    tuple(f"class {i % 3}" for i in range(100)),
    tuple(f"made-{i}" for i in range(100)),
)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=50), st.floats(0.01, 1))
def test_a_percentile_is_the_smallest_that_enough_are_not_above(values: list[float], share: float) -> None:
    """One of the values; enough lie at or below it, and below any smaller one too few."""
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
    assert sum(value < found for value in values) < share * len(values) + 1e-9


def test_nothing_has_no_percentile() -> None:
    """It isn't nought."""
    assert percentile([], 0.5) is None


def test_accuracy_is_over_all_and_over_the_last() -> None:
    """Unknown before the first record."""
    accuracy = Accuracy()
    assert (accuracy.overall, accuracy.recent) == (None, None)
    for _ in range(RECENT):
        accuracy.add("3", "8")
    for _ in range(RECENT):
        accuracy.add("3", "3")
    assert (accuracy.overall, accuracy.recent) == (0.5, 1.0)
    assert (accuracy.right, accuracy.seen) == (RECENT, 2 * RECENT)


def test_a_rate_is_of_the_last_seconds() -> None:
    """An old burst is forgotten."""
    rate = Rate(window_s=3)
    assert rate.update(0.0, 0) == 0.0
    assert rate.update(1.0, 1000) == 1000.0
    for second in range(2, 10):
        last = rate.update(float(second), 1000)
    assert last == 0.0


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


def taken(messages: Iterator[Labelled], least: int) -> list[Labelled]:
    """Messages until they hold `least` records."""
    found: list[Labelled] = []
    while sum(message.records for message in found) < least:
        found += islice(messages, 1)
    return found


def test_the_stream_is_real_records_and_noisy_ones_in_turn() -> None:
    """Each real record once before any comes again; resamples keep the subject; every other record has company."""
    messages = taken(labelled(records(REAL, seed=1), "run"), 2 * len(REAL))
    total = sum(message.records for message in messages)
    assert total == 2 * len(REAL)
    found, rejects = decode_chunk([Fetched(i, message.value) for i, message in enumerate(messages)], REAL.feature_names)
    assert not rejects
    real = np.arange(total) // PIECE % 2 == 0
    assert list(np.array(found.subjects)[real]) == list(REAL.subjects)
    assert np.array_equal(found.features[real], REAL.features)
    assert not np.isin(found.features[~real], REAL.features).any()
    assert set(found.subjects) <= set(REAL.subjects)
    assert list(found.ids) == [f"run-{i}" for i in range(total)]
    labels = [label for message in messages for label in message.labels]
    assert labels == [f"class {int(str(subject).removeprefix('made-')) % 3}" for subject in found.subjects]
    together = sum(batch is not None for batch in found.batches)
    assert 0.3 * total < together < 0.7 * total


def test_the_stream_never_ends_and_stays_the_same_mixture() -> None:
    """The real ones come again, in another order."""
    messages = taken(labelled(records(REAL, seed=1), "run"), 4 * len(REAL))
    found, _ = decode_chunk([Fetched(i, message.value) for i, message in enumerate(messages)], REAL.feature_names)
    again = np.arange(2 * len(REAL), 4 * len(REAL))
    subjects = np.array(found.subjects)[again[again // PIECE % 2 == 0]]
    assert sorted(subjects) == sorted(REAL.subjects)
    assert list(subjects) != list(REAL.subjects)


def test_a_change_holds_from_the_next_message_on() -> None:
    """Labels and subjects stay."""
    higher: list[bool] = []
    messages = labelled(records(REAL, seed=1), "run", lambda piece: thousand_more(piece) if higher else piece)
    before = taken(messages, 10)
    higher.append(True)
    after = taken(messages, 10)
    found, _ = decode_chunk([Fetched(i, m.value) for i, m in enumerate([*before, *after])], REAL.feature_names)
    assert np.array_equal(found.features[:20] - REAL.features[:20], np.repeat([[0.0] * 2, [1000.0] * 2], 10, axis=0))
    assert list(found.subjects[:20]) == list(REAL.subjects[:20])


def thousand_more(piece: Dataset) -> Dataset:
    return replace(piece, features=piece.features + 1000)


WORKER = {"role": "score", "model": 123}
WORKERS = [{**WORKER, "id": f"score-{i}", "shadow": 124} for i in range(1, 5)] + [{"id": "store-1", "role": "store"}]
LONG = "drift in mean concave points, mean symmetry, area error and 24 more; a training is open: 4b0f2a51; on hold"
LARGE = Figures(
    9999.0, 12_345_678, 12_300_000, 20_000.0, 1234.5, 12345.6, 0.9999, 1.0, WORKERS, Learning(12345, 6789, 20.0, LONG)
)
NO_MODEL = {"id": "score-1", "role": "score", "model": None}
EARLY = Figures(0.0, 0, 0, 0.0, None, None, None, None, [NO_MODEL])


def drawn(*lines: Any) -> list[str]:
    """As they stand on a terminal of 80 columns."""
    console = Console(width=80, color_system=None, soft_wrap=True)
    with console.capture() as captured:
        for one in lines:
            console.print(one)
    return captured.get().splitlines()


def test_figures_fit_80_columns_on_a_terminal() -> None:
    """Also when they are large, and when there are none yet; the policy may have much to say."""
    assert [len(drawn(panel(figures))) for figures in (LARGE, EARLY)] == [7, 6]
    assert max(len(line) for line in drawn(panel(LARGE))) <= 80
    assert "models    score-1 no model" in drawn(panel(EARLY))
    assert "score-1 v123 (shadow v124)" in drawn(panel(LARGE))[-1]
    assert "20 per second, 1 in 50 is wrong" in drawn(panel(LARGE))[3]


def test_figures_fit_80_columns_without_a_terminal() -> None:
    """The policy is shown after the first review."""
    assert lines(EARLY) == [("stream", "0 in, lag 0, p50 -, p99 -, - right")]
    told_lines = [text for name, line in lines(LARGE) for text in report_lines(name, line, LARGE.elapsed_s)]
    assert max(len(text) for text in drawn(*told_lines)) <= 80
    assert lines(LARGE)[1] == ("policy", LONG)


def test_a_line_of_the_story_has_its_time_and_goes_on_below_it() -> None:
    """Eighty columns, whatever there is to say."""
    first, second = drawn(*report_lines("verdict", "word " * 15, 12.4))
    assert first == f"{'verdict':<10}{'word ' * 12:<61}{'12 s':>9}"
    assert second == f"{'':<10}{'word ' * 3}".rstrip()
