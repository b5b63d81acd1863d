"""A fetch becomes chunks: in order, bounded in bytes, nothing left out."""

from __future__ import annotations

from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.fetch.parts import CHUNK_BYTES, Position, split_fetch
from tests.support.data.messages import FakeMessage


def _fetched(sizes: dict[tuple[str, int], list[int]]) -> dict[TP, list[FakeMessage]]:
    return {
        TP(topic, partition): [
            FakeMessage(b"x" * size, offset=i, partition=partition, topic=topic) for i, size in enumerate(found)
        ]
        for (topic, partition), found in sizes.items()
        if found
    }


FETCHES = st.dictionaries(
    st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 3)),
    st.lists(st.integers(0, 3_000_000), max_size=8),
    max_size=6,
)


@given(FETCHES, st.lists(st.integers(0, 1), min_size=8, max_size=8), st.integers(0, 3))
def test_every_message_is_in_one_chunk_of_its_topic_in_order(
    sizes: dict[tuple[str, int], list[int]], ids: list[int], beyond: int
) -> None:
    """Also while partitions of one topic are read under two topic ids; the last end is the partition's position."""
    fetched = _fetched(sizes)
    positions = {tp: Position(f"id-{ids[tp.partition]}", len(records) + beyond) for tp, records in fetched.items()}
    found: dict[TP, list[int]] = {}
    ends: dict[TP, int] = {}
    for part in split_fetch(fetched, positions):
        assert len({record.topic for record in part.records}) == 1
        assert part.size_bytes == sum(len(record.value or b"") for record in part.records)
        assert part.size_bytes <= CHUNK_BYTES or len(part.records) == 1
        for record in part.records:
            tp = TP(record.topic, record.partition)
            assert positions[tp].topic_id == part.topic_id
            found.setdefault(tp, []).append(record.offset)
        last = {TP(r.topic, r.partition): r.offset + 1 for r in part.records}
        assert part.ends == {tp: end + (beyond if end == len(fetched[tp]) else 0) for tp, end in last.items()}
        ends |= part.ends
    assert found == {tp: [record.offset for record in records] for tp, records in fetched.items()}
    assert ends == {tp: at.offset for tp, at in positions.items()}
