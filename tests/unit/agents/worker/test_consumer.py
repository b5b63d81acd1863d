"""A fetch becomes chunks: in order, bounded in bytes, nothing left out."""

from __future__ import annotations

from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.worker import consumer
from relearn.agents.worker.consumer import split_fetch
from tests.support.data.messages import FakeMessage


def _fetched(sizes: dict[tuple[str, int], list[int]]) -> dict[TP, list[FakeMessage]]:
    return {
        TP(topic, partition): [
            FakeMessage(b"x" * size, offset=i, partition=partition, topic=topic) for i, size in enumerate(found)
        ]
        for (topic, partition), found in sizes.items()
        if found
    }


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 3)),
        st.lists(st.integers(0, 3_000_000), max_size=8),
        max_size=6,
    )
)
def test_every_message_is_in_one_chunk_of_its_topic_in_order(sizes: dict[tuple[str, int], list[int]]) -> None:
    fetched = _fetched(sizes)
    found: dict[TP, list[int]] = {}
    for records, ends, size_bytes in split_fetch(fetched):
        assert len({record.topic for record in records}) == 1
        assert size_bytes == sum(len(record.value or b"") for record in records)
        assert size_bytes <= consumer.CHUNK_BYTES or len(records) == 1
        for record in records:
            found.setdefault(TP(record.topic, record.partition), []).append(record.offset)
        assert ends == {TP(r.topic, r.partition): r.offset + 1 for r in records}
    assert found == {tp: [record.offset for record in records] for tp, records in fetched.items()}
