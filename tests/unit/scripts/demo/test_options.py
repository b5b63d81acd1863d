"""The split of the data, and the namespace of other data."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.schemas.errors import Refused
from relearn.schemas.settings import read_settings
from relearn.scripts.data.datasets import Dataset, load_dataset
from relearn.scripts.demo.options import HELD_BACK, NAMESPACE, split_data, with_namespace

DIGITS, CANCER = load_dataset("digits"), load_dataset("breast_cancer")


@given(st.integers(0, 1000), st.sampled_from([DIGITS, CANCER, load_dataset("wine")]))
def test_what_is_held_back_never_streams_and_never_trains(seed: int, dataset: Dataset) -> None:
    """The three parts are all rows, each once, and each class is in each of them."""
    parts = split_data(dataset, 60, seed)
    training, real, held = (set(one.subjects) for one in (parts.training, parts.real, parts.held_back))
    assert training | real | held == set(dataset.subjects)
    assert len(training) + len(real) + len(held) == len(dataset)
    assert 0 < len(held) <= min(HELD_BACK, (len(dataset) - 60) // 3)
    assert all(
        set(one.labels or ()) == set(dataset.labels or ()) for one in (parts.training, parts.real, parts.held_back)
    )


def test_the_same_seed_holds_back_the_same() -> None:
    """Another one doesn't."""
    one, same, other = (split_data(DIGITS, 60, seed).held_back.subjects for seed in (1, 1, 2))
    assert one == same != other


def test_too_few_records_are_refused() -> None:
    """All of them train, or all but two."""
    for rows in (len(CANCER), len(CANCER) - 2, len(CANCER) + 1):
        with pytest.raises(Refused):
            split_data(CANCER, rows, 0)


@pytest.mark.parametrize(
    ("source", "drift", "namespace"),
    [
        ("digits", False, None),
        ("digits", True, "relearn-digits"),
        ("breast_cancer", True, "relearn-breast-cancer"),
        ("breast_cancer", False, "relearn-breast-cancer"),
        ("/data/Müll 2024.csv", False, "relearn-m-ll-2024"),
        ("…", False, "relearn-file"),
        (f"{'x' * 80}.csv", False, f"relearn-{'x' * 32}"),
    ],
)
def test_other_data_has_a_namespace_of_its_own(source: str, drift: bool, namespace: str | None) -> None:
    """One that the settings take; and none where one is set."""
    environment = with_namespace({"A": "1"}, source, drift=drift)
    assert environment == ({"A": "1"} if namespace is None else {"A": "1", NAMESPACE: namespace})
    assert read_settings(environment).namespace == (namespace or "relearn")
    assert with_namespace({NAMESPACE: "mine"}, source, drift=drift) == {NAMESPACE: "mine"}
