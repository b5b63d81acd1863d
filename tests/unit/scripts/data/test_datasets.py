"""The records that commands train on and stream."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.schemas.errors import BadFile, Refused
from relearn.schemas.features import numbers_alone
from relearn.scripts.data.datasets import (
    BUNDLED,
    Dataset,
    load_dataset,
    require_classes,
    resample_with_noise,
    split_rows,
)


def made(labels: list[str] | None, n: int = 0) -> Dataset:
    n = len(labels) if labels is not None else n
    subjects = tuple(f"made-{i}" for i in range(n))
    features = np.arange(float(2 * n)).reshape(n, 2)
    return Dataset("made", numbers_alone(("a", "b")), features, None if labels is None else tuple(labels), subjects)


@pytest.mark.parametrize(
    ("name", "shape", "classes"),
    [
        ("digits", (1797, 64), {str(digit) for digit in range(10)}),
        ("breast_cancer", (569, 30), {"malignant", "benign"}),
        ("wine", (178, 13), {"class_0", "class_1", "class_2"}),
    ],
)
def test_bundled_sets_need_no_file(name: str, shape: tuple[int, int], classes: set[str]) -> None:
    """Their labels are strings, their subjects stable."""
    dataset = load_dataset(name)
    assert dataset.features.shape == shape
    assert len(set(dataset.feature_names)) == shape[1]
    assert set(dataset.labels or ()) == classes
    assert dataset.subjects[17] == f"{name}-17"
    require_classes(dataset)


def test_a_pixel_of_digits_is_named_by_row_and_column() -> None:
    """So that a picture can be drawn from a record by name."""
    names = load_dataset("digits").feature_names
    assert (names[0], names[9], names[63]) == ("pixel_0_0", "pixel_1_1", "pixel_7_7")


def test_a_file_names_its_subjects(tmp_path: Path) -> None:
    """By their values, whatever the file is called: repeats count once."""
    path, renamed = tmp_path / "people.csv", tmp_path / "people (mended).csv"
    path.write_text("1,-0.0\n3,4\n")
    renamed.write_text("3,4\n1,0.0\n")
    first, second = load_dataset(str(path)).subjects
    assert first != second
    assert load_dataset(str(renamed)).subjects == (second, first)


def test_what_is_neither_set_nor_file_is_said() -> None:
    """With the names that would have worked."""
    with pytest.raises(BadFile, match=", ".join(BUNDLED)):
        load_dataset("digitz")
    with pytest.raises(BadFile, match="column `target`"):
        load_dataset("digits", label="x")


def test_training_needs_labels_of_two_classes(tmp_path: Path) -> None:
    """The message names the file and the column."""
    path = tmp_path / "same.csv"
    path.write_text("a,kind\n1,x\n2,x\n")
    with pytest.raises(BadFile, match=r"same\.csv, column 2 \(kind\): all 2 rows are of one class, 'x'"):
        require_classes(load_dataset(str(path), label="kind"))
    path.write_text("1,2\n3,4\n")
    with pytest.raises(BadFile, match="--label; there are x1, x2"):
        require_classes(load_dataset(str(path)))


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=60), st.data(), st.integers(0, 2**32))
def test_a_split_is_whole_stratified_and_seeded(labels: list[str], data: st.DataObject, seed: int) -> None:
    """Every record in one of the two; each class within one of its share, and there at all where it can be."""
    dataset = made(labels)
    rows = data.draw(st.integers(0, len(labels)))
    first, rest = split_rows(dataset, rows, seed)
    again, _ = split_rows(dataset, rows, seed)
    assert first.subjects == again.subjects
    assert len(first) == rows
    assert sorted(first.subjects + rest.subjects) == sorted(dataset.subjects)
    for part in (first, rest):
        at = [dataset.subjects.index(subject) for subject in part.subjects]
        assert part.labels == tuple(labels[i] for i in at)
        assert np.array_equal(part.features, dataset.features[at])
    sizes, found = Counter(labels), Counter(first.labels)
    if rows >= len(sizes):
        assert set(found) == set(sizes)
    for label, size in sizes.items():
        assert found[label] <= max(1, rows * size / len(labels) + 1)


def test_a_split_without_labels_is_a_random_one() -> None:
    """And one that is too large is refused."""
    first, rest = split_rows(made(None, 10), 4, 0)
    assert (len(first), len(rest), first.labels) == (4, 6, None)
    with pytest.raises(Refused, match="has 10 records"):
        split_rows(made(None, 10), 11, 0)


def test_a_noisy_resample_keeps_subject_and_label_and_stays_a_picture() -> None:
    """Values of digits are shades from 0 to 16; without noise it is the record itself."""
    digits = load_dataset("digits")
    noisy = resample_with_noise(digits, 500, np.random.default_rng(1), 0.5)
    at = [int(subject.removeprefix("digits-")) for subject in noisy.subjects]
    assert noisy.labels == tuple(digits.labels[i] for i in at) if digits.labels else False
    assert noisy.features.min() >= 0
    assert noisy.features.max() <= 16
    assert not np.array_equal(noisy.features, digits.features[at])
    same = resample_with_noise(digits, 500, np.random.default_rng(1), 0.0)
    assert same.subjects == noisy.subjects
    assert np.array_equal(same.features, digits.features[at])
