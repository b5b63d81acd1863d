"""A data set as messages: every form, limits and seeds."""

import json
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.schemas.features import numbers_alone
from relearn.schemas.messages.ingest import CE_TYPE_MANY, CE_TYPE_ONE
from relearn.scripts.data.datasets import Dataset
from relearn.scripts.data.messages import FORMS, Form, cut, outgoing, passes
from tests.support.data.messages import decode_chunk


class Fetched:
    """A message as Kafka would deliver it."""

    topic, partition, timestamp, key, headers = "ingest", 0, 0, None, ()

    def __init__(self, offset: int, value: bytes) -> None:
        self.offset = offset
        self.value = value


DATASET = Dataset(
    "some/people.csv",
    numbers_alone(("a", "b")),
    np.arange(14.0).reshape(7, 2) / 3,
    None,
    tuple(f"people-{i}" for i in range(7)),
)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("batch", [1, 3, 100])
def test_every_form_says_the_same(form: Form, batch: int) -> None:
    """Features to the last bit, ids in order, subjects; a batch id only where there are many."""
    sent = list(outgoing(cut(islice(passes(DATASET), 1), batch, None), form=form, run="r", many=batch > 1))
    records, rejects = decode_chunk(
        [Fetched(i, message.value) for i, message in enumerate(sent)], DATASET.feature_names
    )
    assert not rejects
    assert np.array_equal(records.features, DATASET.features)
    assert records.ids == [f"r-{i}" for i in range(7)]
    assert records.subjects == list(DATASET.subjects)
    assert set(records.batches) == ({None} if batch == 1 else {f"r-batch-{i}" for i in range(len(sent))})
    assert [message.records for message in sent] == ([1] * 7 if batch == 1 else [3, 3, 1] if batch == 3 else [7])
    assert {message.kind for message in sent} == {CE_TYPE_ONE if batch == 1 else CE_TYPE_MANY}
    assert len({message.event_id for message in sent}) == len(sent)
    assert all((message.value[:1] == b"{") == (form == "json") for message in sent)


def test_json_can_be_read_by_anyone() -> None:
    """One record, as a person would type it."""
    (message,) = outgoing(cut(passes(DATASET), 1, 1), form="json", run="r", many=False)
    assert json.loads(message.value) == {"features": [0.0, 1 / 3], "id": "r-0", "subject": "people-0"}


@given(st.integers(1, 10), st.integers(1, 40))
def test_a_limit_is_kept_however_often_one_goes_round(batch: int, limit: int) -> None:
    """To the record; each pass starts at the first record."""
    pieces = list(cut(passes(DATASET), batch, limit))
    subjects = [subject for piece in pieces for subject in piece.subjects]
    assert subjects == [f"people-{i % 7}" for i in range(limit)]
    assert all(1 <= len(piece) <= batch for piece in pieces)


def test_a_seed_gives_the_same_records_in_the_same_order() -> None:
    """Each pass another order; noise is new in each."""
    first, again = (list(islice(passes(DATASET, seed=5, noise=0.1), 3)) for _ in range(2))
    assert all(np.array_equal(a.features, b.features) for a, b in zip(first, again, strict=True))
    assert len({one.subjects for one in first}) > 1
    assert all(sorted(one.subjects) == sorted(DATASET.subjects) for one in first)
    assert not np.array_equal(first[0].features, first[1].features)


ACCOMPANIED = Dataset(
    "some/people.csv",
    numbers_alone(("a",)),
    np.arange(6.0).reshape(6, 1),
    None,
    ("s1", "s2", "s3", "s4", "s5", "s6"),
    ids=("i1", None, "i3", "i4", "i5", "i6"),
    batches=("x", "x", "x", "y", None, None),
    contexts=("look", None, None, None, None, None),
)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("batch", [1, 2, 100])
def test_what_accompanies_a_record_is_sent_with_it(form: Form, batch: int) -> None:
    """A message has records of one batch; where the set has no id or batch, they are made as ever."""
    sent = list(outgoing(cut(iter([ACCOMPANIED]), batch, None), form=form, run="r", many=batch > 1))
    records, rejects = decode_chunk([Fetched(i, one.value) for i, one in enumerate(sent)], ("a",))
    assert rejects == []
    assert records.features[:, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert records.ids == ["i1", "r-1", "i3", "i4", "i5", "i6"]
    assert records.subjects == list(ACCOMPANIED.subjects)
    assert records.contexts == ["look", None, None, None, None, None]
    assert records.batches[:4] == ["x", "x", "x", "y"]
    assert all(one.startswith("r-batch-") if batch > 1 else one is None for one in records.batches[4:])
    assert len({one.event_id for one in sent}) == len(sent) == {1: 6, 2: 4, 100: 3}[batch]


def test_a_limit_counts_records_also_where_batches_end_pieces() -> None:
    found = list(cut(passes(ACCOMPANIED), 2, 9))
    assert [len(piece) for piece in found] == [2, 1, 1, 2, 2, 1]
