"""The sample of labels: the newest, a hashed part of the others, of every class enough; and what follows from it."""

from __future__ import annotations

from collections import Counter
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.learning.reviews import by_hash
from relearn.agents.learning.sample import LEAST_PER_CLASS, sample_labels
from relearn.agents.learning.training_set import Example, Source, set_digest, training_set
from relearn.schemas.features import numbers_alone

NAMES = ("x", "y")
SCHEMA = numbers_alone(NAMES)


def _example(number: int, label: str = "a", source: Source = "reviewed", key: str | None = None) -> Example:
    return Example(number, key or f"key-{number}", (float(number), 1.0), label, source)


labelled = st.lists(st.sampled_from("aaaaabbbc"), max_size=60).map(
    lambda labels: [_example(number, label) for number, label in enumerate(labels)]
)
limits = st.integers(1, 70)


def _keys(found: list[Example]) -> set[str]:
    return {one.key for one in found}


@given(labelled, limits)
def test_a_sample_is_bounded_and_has_the_newest_and_every_class(rows: list[Example], limit: int) -> None:
    found = sample_labels(rows, limit)
    counts = Counter(one.label for one in rows)
    assert len(found) >= min(limit, len(rows))
    assert len(found) <= max(limit, limit // 2 + LEAST_PER_CLASS * len(counts))
    assert found == [one for one in rows if one.key in _keys(found)], "in the order of the rows, each once"
    assert set(rows[len(rows) - min(len(rows), limit // 2) :]) <= set(found)
    left = Counter(one.label for one in found)
    assert all(left[label] >= min(n, LEAST_PER_CLASS) for label, n in counts.items())
    assert sample_labels(rows, None) == rows


@given(labelled, limits, st.randoms(use_true_random=False))
def test_among_the_older_labels_age_counts_for_nothing(rows: list[Example], limit: int, random: Random) -> None:
    newest = rows[len(rows) - min(len(rows), limit // 2) :]
    older = [one for one in rows if one not in newest]
    shuffled = [*random.sample(older, len(older)), *newest]
    assert _keys(sample_labels(shuffled, limit)) == _keys(sample_labels(rows, limit))


@given(labelled, limits)
def test_a_higher_limit_keeps_more_and_one_more_label_replaces_few(rows: list[Example], limit: int) -> None:
    found = _keys(sample_labels(rows, limit))
    assert found <= _keys(sample_labels(rows, limit + 1))
    later = _keys(sample_labels([*rows, _example(1000, "b")], limit))
    assert len(found - later) <= 3
    assert len(later - found) <= 3


def test_the_labels_of_a_limited_sender_are_not_preferred() -> None:
    """Those that count are chosen by a hash of their key, too: by the same one, all of them would be in the sample."""
    rows = [_example(number) for number in range(10_000)]
    first = {one.key for one in sorted(rows, key=lambda one: by_hash(one.key))[:1000]}
    assert 0.4 < len(first & _keys(sample_labels(rows, 5000))) / 1000 < 0.75


@given(labelled.filter(lambda rows: len(rows) > 4), limits, st.data())
def test_a_label_that_is_repeated_is_no_newer(rows: list[Example], limit: int, data: st.DataObject) -> None:
    """Else a reviewer who confirms old labels would start trainings on another sample of the same labels."""
    once = training_set(SCHEMA, rows, max_labels=limit)
    repeated = [data.draw(st.sampled_from(rows))._replace(id=1000 + i) for i in range(5)]
    again = training_set(SCHEMA, [*rows, *repeated], max_labels=limit)
    assert set_digest(again) == set_digest(once)
    assert again.available == once.available


def test_a_label_that_is_changed_is_the_newest() -> None:
    rows = [_example(number, "ab"[number % 2]) for number in range(100)]
    without = training_set(SCHEMA, rows, max_labels=10)
    old = next(one for one in rows if one.key not in without.keys)
    for changed in (old._replace(label="b" if old.label == "a" else "a"), old._replace(features=(7.5, 7.5))):
        assert old.key in training_set(SCHEMA, [*rows, changed], max_labels=10).keys


def test_the_sample_takes_no_class_and_counts_what_there_was() -> None:
    """A class of two old examples stays; one with a single example is set aside, sampled or not."""
    rare = [_example(i, "rare") for i in range(2)]
    rows = [*rare, _example(2, "alone"), *(_example(i, "ab"[i % 2]) for i in range(3, 1000))]
    found = training_set(SCHEMA, rows, max_labels=50)
    assert (len(found), found.available, found.set_aside) == (50, 999, {"alone": 1})
    assert found.labels.count("rare") == 2
    assert training_set(SCHEMA, rows, max_labels=999).available == len(training_set(SCHEMA, rows, max_labels=999))


def test_assumed_examples_follow_the_reviews() -> None:
    """The share of them that the reviews keep, chosen by hash; none for a key with a label, in the sample or not."""
    rows = [_example(i, "ab"[i % 2], "bootstrap" if i < 100 else "reviewed") for i in range(500)]
    assumed = [_example(1000 + i, "a", "assumed") for i in range(200)]
    assumed += [_example(2000 + i, "a", "assumed", key=f"key-{i}") for i in range(20)]
    found = training_set(SCHEMA, [*rows, *assumed], max_labels=100)
    reviewed = found.sources.count("reviewed")
    assert found.sources.count("assumed") == 200 * reviewed // 400
    assert int(np.sum(found.real)) == 100
    assert set_digest(training_set(SCHEMA, [*rows, *assumed[::-1]], max_labels=100)) == set_digest(found)
    assert training_set(SCHEMA, [*rows, *assumed]).sources.count("assumed") == 200
