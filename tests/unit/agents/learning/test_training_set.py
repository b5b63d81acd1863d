"""What a model is trained on: latest label per key, fixed folds, a digest that distinguishes sets."""

from __future__ import annotations

from collections import Counter
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.learning.training_set import (
    FOLDS,
    Example,
    example_key,
    fold_of,
    folds_of,
    sampled,
    set_digest,
    training_set,
)
from relearn.schemas.features import numbers_alone

numbers = st.floats(allow_nan=False, allow_infinity=False, width=64)
examples = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.lists(numbers, min_size=2, max_size=2), st.sampled_from(["x", "y", "z"])),
    max_size=30,
).map(lambda rows: [Example(i, key, features, label) for i, (key, features, label) in enumerate(rows)])

SCHEMA = numbers_alone(("p", "q"))


def test_folds_never_change() -> None:
    """Were they ever others, a challenger would be judged by rows that it was trained on."""
    assert [fold_of(key) for key in ("digits-0", "digits-1", "digits-2", "", "ü", "sha256:00")] == [1, 1, 0, 2, 3, 1]


@given(st.text())
def test_every_key_has_one_fold(key: str) -> None:
    assert fold_of(key) in range(FOLDS)


def test_folds_share_keys_evenly() -> None:
    counts = Counter(fold_of(f"record-{i}") for i in range(5000))
    assert all(900 < counts[fold] < 1100 for fold in range(FOLDS))


@given(examples)
def test_the_latest_label_of_each_key_counts(rows: list[Example]) -> None:
    found = training_set(SCHEMA, rows)
    latest = {row.key: row for row in rows}
    assert list(found.keys) == sorted(found.keys)
    assert len(set(found.keys)) == len(found)
    for i, key in enumerate(found.keys):
        row = latest[key]
        assert (found.ids[i], found.labels[i], found.features[i].tolist()) == (row.id, row.label, list(row.features))
    assert len(found) + sum(found.set_aside.values()) == len(latest)


@given(examples)
def test_a_class_with_one_example_waits_for_a_second(rows: list[Example]) -> None:
    found = training_set(SCHEMA, rows)
    assert all(count >= 2 for count in Counter(found.labels).values())
    assert all(count == 1 for count in found.set_aside.values())


@given(examples, st.randoms(use_true_random=False))
def test_the_order_of_keys_changes_nothing(rows: list[Example], random: Random) -> None:
    """Rows of different keys may come in any order."""
    once = list({row.key: row for row in rows}.values())
    shuffled = random.sample(once, len(once))
    assert set_digest(training_set(SCHEMA, once)) == set_digest(training_set(SCHEMA, shuffled))


@given(examples.filter(lambda rows: len(training_set(SCHEMA, rows)) > 0), st.data())
def test_the_digest_sees_every_difference(rows: list[Example], data: st.DataObject) -> None:
    found = training_set(SCHEMA, rows)
    digest = set_digest(found)
    kept = [row for row in {row.key: row for row in rows}.values() if row.key in found.keys]
    changed = data.draw(st.integers(0, len(kept) - 1))
    other = kept[changed]._replace(features=[kept[changed].features[0], -1.5e300])
    others = [*kept[:changed], other, *kept[changed + 1 :]]
    assert set_digest(training_set(SCHEMA, others)) != digest or other.features == kept[changed].features
    assert set_digest(training_set(numbers_alone(("q", "p")), kept)) != digest


@given(st.lists(numbers, min_size=1, max_size=5))
def test_a_record_without_a_subject_is_known_by_its_features(features: list[float]) -> None:
    """Zero has one key, whatever its sign."""
    row = np.array(features)
    assert example_key(None, row) == example_key(None, row + 0.0) == example_key(None, np.where(row == 0, -0.0, row))
    assert example_key(None, row) != example_key(None, np.append(row, 1.0))
    assert example_key("me", row) == "me"


@given(st.lists(st.text(max_size=8), max_size=30))
def test_the_folds_of_many_keys_are_those_of_each(keys: list[str]) -> None:
    assert folds_of(keys).tolist() == [fold_of(key) for key in keys]


@given(st.lists(st.text(max_size=8), max_size=30, unique=True), st.integers(0, 30), st.randoms(use_true_random=False))
def test_a_sample_of_keys_depends_on_the_keys_alone(keys: list[str], n: int, random: Random) -> None:
    found = sampled(keys, n).tolist()
    assert found == sorted(set(found))
    assert len(found) == min(n, len(keys))
    other = random.sample(keys, len(keys))
    assert {keys[i] for i in found} == {other[i] for i in sampled(other, n)}
    assert set(found) <= set(sampled(keys, n + 1).tolist())


def test_every_fold_is_in_a_sample_of_keys() -> None:
    keys = [f"record-{i}" for i in range(5000)]
    counts = Counter(folds_of([keys[i] for i in sampled(keys, 1000)]).tolist())
    assert all(abs(counts[fold] - 200) < 60 for fold in range(FOLDS))
