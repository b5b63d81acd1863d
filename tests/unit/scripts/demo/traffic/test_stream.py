"""The demo's stream: real records and noisy copies in turn, never held-back ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import numpy as np

from relearn.schemas.features import numbers_alone
from relearn.scripts.data.datasets import Dataset, load_dataset
from relearn.scripts.demo.options import split_data
from relearn.scripts.demo.traffic.stream import PIECE, Labelled, labelled, records
from tests.support.data.messages import decode_chunk
from tests.unit.scripts.data.test_messages import Fetched

REAL = Dataset(
    "made",
    numbers_alone(("a", "b")),
    np.arange(200.0).reshape(100, 2),
    tuple(f"class {i % 3}" for i in range(100)),
    tuple(f"made-{i}" for i in range(100)),
)


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


CANCER = load_dataset("breast_cancer")


def test_the_stream_is_made_of_real_rows_only() -> None:
    """Whatever is sent is one of them, or a noisy copy of one."""
    parts = split_data(CANCER, 60, 3)
    sent = {subject for piece, _ in zip(records(parts.real, 3), range(40), strict=False) for subject in piece.subjects}
    assert sent <= set(parts.real.subjects)
    assert next(labelled(records(parts.real, 3), "run")).labels == (parts.real.labels or ())[:1]
