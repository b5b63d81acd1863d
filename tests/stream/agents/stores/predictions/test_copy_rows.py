"""Binary COPY: what Postgres reads back is what the block held."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.predictions.copy_rows import COLUMNS, copy_bytes
from relearn.schemas.messages.predictions import Block
from relearn.schemas.settings import Settings
from tests.support.data.blocks import NOON_S, block_of
from tests.support.data.stored import tables

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

labels = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)
texts = st.one_of(st.none(), st.just(""), labels)
finite = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    """Any block that a scorer could send: texts all there, all missing, mixed; confidences known, unknown, mixed."""
    n, d, k = draw(st.integers(1, 6)), draw(st.integers(1, 4)), draw(st.integers(2, 4))
    categories = draw(st.integers(0, 2))

    def column() -> list[str | None]:
        return draw(st.one_of(st.just([None] * n), st.lists(texts, min_size=n, max_size=n)))

    def matrix(width: int) -> np.ndarray[Any, Any]:
        return np.array(draw(st.lists(finite, min_size=n * width, max_size=n * width))).reshape(n, width)

    width = 1 if k == 2 else k
    confidence = st.one_of(st.just(math.nan), st.floats(0, 1, width=32))
    return block_of(
        n,
        d=d,
        k=k,
        ids=column(),
        subjects=column(),
        batches=column(),
        contexts=column(),
        features=matrix(d),
        classes=tuple(draw(st.lists(labels, min_size=k, max_size=k))),
        labels=np.array(draw(st.lists(st.integers(0, k - 1), min_size=n, max_size=n)), np.int16),
        margins=matrix(width),
        confidence=np.array(draw(st.lists(confidence, min_size=n, max_size=n)), np.float32),
        strings=draw(st.lists(st.tuples(*[texts] * categories), min_size=n, max_size=n)) if categories else (),
        ingested_at=NOON_S + np.array(draw(st.lists(st.integers(0, 10**6), min_size=n, max_size=n))) / 1000.0,
    )


async def read_back(pool: Pool, given_blocks: list[Block]) -> list[dict[str, Any]]:
    """The rows that COPY makes of the blocks, in a table without partitions, by identity."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("CREATE TEMP TABLE plain (LIKE predictions INCLUDING DEFAULTS) ON COMMIT DROP")
        source = memoryview(copy_bytes(given_blocks))
        await connection.copy_to_table("plain", source=source, columns=COLUMNS, format="binary")
        found = await connection.fetch("SELECT * FROM plain ORDER BY generation, kafka_offset, record_index")
    return [dict(row) for row in found]


def expected(block: Block, i: int) -> dict[str, Any]:
    confidence = float(block.confidence[i])
    return {
        "generation": block.generation,
        "kafka_partition": block.partition,
        "kafka_offset": int(block.offsets[i]),
        "record_index": int(block.indexes[i]),
        "id": block.ids[i],
        "subject": block.subjects[i],
        "batch": block.batches[i],
        "context": block.contexts[i],
        "label": block.classes[block.labels[i]],
        "confidence": None if math.isnan(confidence) else confidence,
        "model": block.model,
        "activation": block.activation,
        "ingested_at": EPOCH + timedelta(microseconds=round(block.ingested_at[i] * 1e6)),
        "scored_at": EPOCH + timedelta(microseconds=round(block.scored_at * 1e6)),
        "strings": list(block.strings[i]) if block.strings else None,
    }


def assert_same(found: dict[str, Any], block: Block, i: int) -> None:
    wanted = expected(block, i)
    assert {key: found[key] for key in wanted} == wanted
    for name in ("features", "margins"):
        assert np.array(found[name]).tobytes() == getattr(block, name)[i].tobytes(), "bit for bit"


@examples(
    max_examples=40,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(given_blocks=st.lists(blocks(), min_size=1, max_size=3))
async def test_postgres_reads_back_what_the_blocks_hold(settings: Settings, given_blocks: list[Block]) -> None:
    """Floats bit for bit, any unicode, NULL for what isn't there; blocks of different shapes in one COPY."""
    numbered = [
        Block(**{**{name: getattr(block, name) for name in block.__slots__}, "generation": number})
        for number, block in enumerate(given_blocks)
    ]
    async with tables(settings) as pool:
        found = await read_back(pool, numbered)
    wanted = [(block, i) for block in numbered for i in range(len(block))]
    assert len(found) == len(wanted)
    for row, (block, i) in zip(found, wanted, strict=True):
        assert_same(row, block, i)


@pytest.mark.parametrize("label_width", [1, 300])
async def test_long_texts_are_stored_whole(settings: Settings, label_width: int) -> None:
    """A context of 2 kB and more, a class of any length."""
    block = block_of(3, contexts=["é" * 1500, None, "x" * 2048], classes=("a", "b" * label_width))
    async with tables(settings) as pool:
        found = await read_back(pool, [block])
    for i, row in enumerate(found):
        assert_same(row, block, i)


def test_an_empty_block_has_no_bytes() -> None:
    """Only the header and the trailer."""
    assert copy_bytes([block_of(3).select(np.array([], dtype=np.intp))]) == copy_bytes([])
