"""What the demo's figures mean, what it streams, and what its summary says."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from schemas.ingest import decode_chunk
from scripts.datasets import Dataset
from scripts.demo.figures import RECENT, Accuracy, Counted, Rate, disagreeing, percentile
from scripts.demo.screen import Figures, line, panel, summary, verdict
from scripts.demo.stream import TOGETHER, first, labelled, records
from tests.unit.test_sending import Fetched

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


def shown(*counts: Counted) -> str:
    console = Console(width=80, color_system=None)
    with console.capture() as captured:
        console.print(summary([SENT, *counts]))
    return captured.get()


def test_counts_agree_when_all_say_the_same() -> None:
    """Whoever counts only messages or only records says only that."""
    counts = [Counted("Kafka", messages=10), Counted("rows", records=100)]
    assert disagreeing([SENT, *counts]) == []
    assert "All agree: 100 records, each stored exactly once." in shown(*counts)


@pytest.mark.parametrize("wrong", [Counted("rows", records=99), Counted("Kafka", messages=11), Counted("Redis")])
def test_whoever_says_otherwise_or_nothing_is_named_loudly(wrong: Counted) -> None:
    """One too few, one too many, no answer."""
    assert disagreeing([SENT, Counted("good", 10, 100), wrong]) == [wrong]
    text = shown(wrong)
    assert f"THESE DON'T AGREE: {wrong.where}: " in text
    assert "differs" in text
    assert str(verdict([SENT, wrong])).startswith("THESE DON'T AGREE")


def test_the_stream_is_the_real_records_and_then_noisy_ones() -> None:
    """Each real record once; resamples keep the subject; ids are told once; every other record travels in company."""
    messages = list(first(labelled(records(REAL, seed=1), "run"), 300))
    total = sum(message.records for message in messages)
    assert 300 <= total < 300 + TOGETHER
    found, rejects = decode_chunk([Fetched(i, message.value) for i, message in enumerate(messages)], REAL.feature_names)
    assert not rejects
    assert list(found.subjects)[:100] == list(REAL.subjects)
    assert np.array_equal(found.features[:100], REAL.features)
    assert set(found.subjects) <= set(REAL.subjects)
    assert list(found.ids) == [f"run-{i}" for i in range(total)]
    labels = [label for message in messages for label in message.labels]
    assert labels == [f"class {int(str(subject).removeprefix('made-')) % 3}" for subject in found.subjects]
    together = sum(batch is not None for batch in found.batches)
    assert 0.3 * total < together < 0.7 * total


def test_a_limit_leaves_the_rest_for_later() -> None:
    """The stream goes on where it stopped."""
    messages = labelled(records(REAL, seed=1), "run")
    taken = sum(message.records for message in first(messages, 40))
    (following,) = islice(messages, 1)
    assert following.event_id == f"run-{taken}" or following.event_id.startswith("run-batch-")


def test_figures_fit_80_columns_with_and_without_a_terminal() -> None:
    """Also when they are large, and when there are none yet."""
    worker = {"role": "score", "model": 123}
    workers = [{**worker, "id": f"score-{i}"} for i in range(1, 5)] + [{"id": "store-1", "role": "store"}]
    large = Figures(9999.0, 12_345_678, 12_300_000, 20_000.0, 1234.5, 12345.6, 0.9999, 1.0, workers)
    early = Figures(0.0, 0, 0, 0.0, None, None, None, None, [{"id": "score-1", "role": "score", "model": None}])
    for figures in (large, early):
        console = Console(width=80, color_system=None)
        with console.capture() as captured:
            console.print(panel(figures))
        assert len(captured.get().splitlines()) == 4
    assert "score-1 no model" in captured.get()
    assert line(early) == "   0 s  in 0  stored 0  0/s  lag 0  p50 - p99 -  right -"
