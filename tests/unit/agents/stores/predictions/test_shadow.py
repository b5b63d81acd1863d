"""A shadow's answers beside the champion's."""

from __future__ import annotations

import tracemalloc

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.stores.predictions.shadow import disagreements
from tests.support.data.blocks import block_of, shadow_of

labels = st.lists(st.sampled_from("abc"), min_size=2, max_size=6)


@given(ours=labels, theirs=labels, data=st.data())
def test_labels_are_compared_as_texts(ours: list[str], theirs: list[str], data: st.DataObject) -> None:
    """Also where one class stands twice in a forged block."""
    n = 20
    own, other = (
        np.array(data.draw(st.lists(st.integers(0, len(classes) - 1), min_size=n, max_size=n)), np.int16)
        for classes in (ours, theirs)
    )
    block = block_of(n, k=max(3, len(ours)), classes=tuple(ours), labels=own)
    shadow = shadow_of(n, k=max(3, len(theirs)), classes=tuple(theirs), labels=other)
    wanted = [ours[i] != theirs[j] for i, j in zip(own.tolist(), other.tolist(), strict=True)]
    assert disagreements(block, shadow).tolist() == wanted


def test_many_classes_on_both_sides_cost_their_sum() -> None:
    """A table of all pairs would have 900 million entries."""
    k = 30_000
    classes = tuple(str(i) for i in range(k))
    block = block_of(1, classes=classes, labels=np.array([k - 1], np.int16))
    shadow = shadow_of(1, classes=classes, labels=np.array([k - 1], np.int16))
    tracemalloc.start()
    try:
        assert disagreements(block, shadow).tolist() == [False]
        assert tracemalloc.get_traced_memory()[1] < 1000 * k
    finally:
        tracemalloc.stop()
