"""Record batches: what aiokafka reads is read equally, and hostile batches take bounded memory."""

from __future__ import annotations

import gzip
import hashlib
import tracemalloc
from collections.abc import Callable
from typing import Any

import cramjam
import pytest
from aiokafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.structs import TopicPartition
from hypothesis import given, settings
from hypothesis import strategies as st

from relearn.agents.fetch import batches
from relearn.agents.fetch.batches import Batches, UnreadRecord
from relearn.agents.fetch.bounded_fetch import _PartitionRecords
from relearn.agents.fetch.decompress import GZIP, LZ4, SNAPPY, ZSTD, CantDecompress, pieces
from tests.support.data.batches import Row, batch_of, records_of, rewritten

MIB = 1024 * 1024
CODECS = {"none": 0, "gzip": GZIP, "snappy": SNAPPY, "lz4": LZ4, "zstd": ZSTD}
ENCODERS: dict[int, Callable[[bytes], bytes]] = {
    GZIP: gzip_encode,
    SNAPPY: snappy_encode,
    LZ4: lz4_encode,
    ZSTD: zstd_encode,
}


def read(data: bytes) -> list[Any]:
    """What a fetcher reads of it."""
    return list(_Records(TopicPartition("t", 0), Batches(data), [], 0, None, None, True, 0))


class _Records(_PartitionRecords):
    """Records as they are, instead of messages."""

    def _consumer_record(self, tp: Any, record: Any) -> Any:
        return record


def facts(record: Any) -> tuple[Any, ...]:
    headers = [(name, value) for name, value in record.headers]
    return record.offset, record.timestamp, record.timestamp_type, record.key, record.value, headers


octets = st.binary(max_size=40) | st.integers(0, 300_000).map(lambda n: bytes(i % 251 for i in range(n)))
rows_of_any = st.lists(
    st.tuples(
        st.none() | st.binary(max_size=9),
        st.none() | octets,
        st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=5)), max_size=3),
    ),
    min_size=1,
    max_size=40,
)


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
@settings(max_examples=25, deadline=None)
@given(
    rows=rows_of_any,
    small=st.sampled_from([64, 10_000, batches.SMALL_BYTES]),
    whole=st.sampled_from([100, batches.WHOLE_BYTES]),
)
def test_batches_are_read_as_aiokafka_reads_them(codec: int, rows: list[Row], small: int, whole: int) -> None:
    data = batch_of(rows, codec, base_offset=7) + batch_of(rows, base_offset=7 + len(rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "SMALL_BYTES", small)
        patch.setattr(batches, "WHOLE_BYTES", whole)
        patch.setattr(batches, "HEAD_BYTES", min(small, batches.HEAD_BYTES))
        found = read(data)
    expected = [
        facts(record)
        for part in (0, 1)
        for record in DefaultRecordBatch(batch_of(rows, base_offset=7 + part * len(rows)))
    ]
    assert [facts(record) for record in found] == expected


@pytest.mark.parametrize("cut", [1, 11, 60, 200])
def test_an_incomplete_batch_at_the_end_is_left_for_the_next_fetch(cut: int) -> None:
    one = batch_of([(None, b"x" * 500, [])])
    found = Batches(one + one[:cut])
    assert found.next_batch() is not None
    assert not found.has_next()
    assert found.size_in_bytes() == len(one) + cut


def peak_bytes(work: Callable[[], Any]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("codec", [GZIP, SNAPPY, LZ4, ZSTD])
def test_many_records_that_expand_are_read_one_by_one(codec: int) -> None:
    data = batch_of([(b"k", bytes(MIB), [])] * 60, codec)
    assert len(data) < 4 * MIB
    seen = []

    def consume() -> None:
        batch = Batches(data).next_batch()
        seen.extend((record.offset, len(record.value)) for record in batch)

    assert peak_bytes(consume) < 16 * MIB
    assert seen == [(i, MIB) for i in range(60)]


@pytest.mark.parametrize("codec", [GZIP, SNAPPY, LZ4, ZSTD])
def test_a_record_that_is_too_large_is_passed_over_with_its_digest(codec: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "RECORD_MAX_BYTES", MIB)
    large = (bytes(range(251)) * (20 * MIB // 251 + 1))[: 20 * MIB]
    data = batch_of([(b"a", b"1", []), (b"b", large, [("h", b"1")]), (b"c", b"2", [])], codec)
    found: list[Any] = []
    assert peak_bytes(lambda: found.extend(read(data))) < 12 * MIB + len(data)
    one, two, three = found
    assert (one.value, three.value, three.offset) == (b"1", b"2", 2)
    assert isinstance(two, UnreadRecord)
    assert (two.offset, two.key, two.timestamp, two.value) == (1, b"b", 1001, large[: batches.HEAD_BYTES])
    assert two.unread.fault.reason == "too-large"
    assert two.unread.size_bytes == len(large)
    assert two.unread.sha256 == hashlib.sha256(large).digest()


@pytest.mark.parametrize("codec", [GZIP, SNAPPY, LZ4, ZSTD])
def test_behind_the_limit_of_a_batch_every_record_is_unread(codec: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "EXPANDED_BYTES", 8 * MIB)
    monkeypatch.setattr(batches, "EXPANDED_TIMES", 0)
    monkeypatch.setattr(batches, "WHOLE_BYTES", MIB)
    found = read(batch_of([(None, bytes(MIB), [])] * 30, codec, base_offset=100))
    assert [record.offset for record in found] == list(range(100, 130))
    unread = [record for record in found if isinstance(record, UnreadRecord)]
    assert 20 <= len(unread) <= 25
    assert {record.unread.fault.reason for record in unread} == {"too-large"}
    assert all(record.value is None for record in unread)


@pytest.mark.parametrize("codec", [0, ZSTD])
def test_a_record_with_very_many_headers_is_unread(codec: int) -> None:
    rows: list[Row] = [(None, b"1", []), (b"k", b"2", [("", None)] * 200_000), (None, b"3", [])]
    data = batch_of(rows, codec)
    found: list[Any] = []
    assert peak_bytes(lambda: found.extend(read(data))) < 10 * MIB
    assert [(type(record) is UnreadRecord, record.value) for record in found] == [
        (False, b"1"),
        (True, b"2"),
        (False, b"3"),
    ]
    assert "200000 headers" in found[1].unread.fault.detail


def test_a_header_that_is_not_utf_8_costs_one_record() -> None:
    rows: list[Row] = [(None, b"1", []), (None, b"2", [("name", b"x")]), (None, b"3", [])]
    for codec in (0, GZIP):
        plain = batch_of(rows)
        records = records_of(plain).replace(b"name", b"\xff\xfe\xfd\xfc")
        data = rewritten(plain, codec, gzip.compress(records) if codec else records)
        by_offset = {record.offset: record for record in read(data)}
        assert [by_offset[i].value for i in range(3)] == [b"1", b"2", b"3"]
        assert [type(by_offset[i]) is UnreadRecord for i in range(3)] == [False, True, False]
        assert by_offset[1].unread.fault.reason == "unreadable"


@pytest.mark.parametrize("codec", [GZIP, SNAPPY, LZ4, ZSTD, 5])
def test_a_batch_that_can_not_be_decompressed_is_unread(codec: int) -> None:
    plain = batch_of([(None, b"1", []), (None, b"2", [])], base_offset=5)
    found = read(rewritten(plain, codec, b"nonsense" * 10))
    assert [(record.offset, record.unread.fault.reason) for record in found] == [(5, "unreadable"), (6, "unreadable")]


@settings(max_examples=60, deadline=None)
@given(codec=st.sampled_from([GZIP, SNAPPY, LZ4, ZSTD]), data=st.data())
def test_a_damaged_batch_never_raises(codec: int, data: st.DataObject) -> None:
    rows: list[Row] = [(b"k", bytes([i]) * 50, [("h", b"v")]) for i in range(5)]
    plain = batch_of(rows)
    records = bytearray(ENCODERS[codec](records_of(plain)) if data.draw(st.booleans()) else records_of(plain))
    for _ in range(data.draw(st.integers(1, 3))):
        records[data.draw(st.integers(0, len(records) - 1))] = data.draw(st.integers(0, 255))
    damaged = rewritten(plain, data.draw(st.sampled_from([codec, 0])), bytes(records))
    assert len(read(damaged)) < 50


@pytest.mark.parametrize("codec", [GZIP, SNAPPY, LZ4, ZSTD])
@settings(max_examples=20, deadline=None)
@given(parts=st.lists(st.tuples(st.binary(max_size=50), st.integers(1, 20_000)), max_size=8))
def test_pieces_are_what_was_compressed(codec: int, parts: list[tuple[bytes, int]]) -> None:
    plain = b"".join(part * times for part, times in parts)
    assert b"".join(pieces(codec, ENCODERS[codec](plain))) == plain


def test_a_zstd_frame_with_a_large_window_is_refused() -> None:
    frame = bytes(cramjam.zstd.compress(bytes(MIB)))
    assert b"".join(pieces(ZSTD, frame)) == bytes(MIB)
    large = b"\x28\xb5\x2f\xfd\x00\x88\x01\x00\x00"
    for data in (large, frame + large, frame[:-5]):
        with pytest.raises(CantDecompress):
            b"".join(pieces(ZSTD, data))
