"""Records read again, scored by whatever champion and shadow were live then: what the first of each said stands."""

from __future__ import annotations

from itertools import count

from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from relearn.schemas.messages.predictions import Block
from relearn.schemas.messages.shadow_answers import NO_ANSWER
from relearn.schemas.settings import Settings
from tests.support.data.blocks import block_of, shadow_of
from tests.support.data.stored import disagreeing, labels, rows, shadow_rows, store, tables
from tests.support.servers.namespaces import as_owner


async def test_a_second_reading_is_compared_with_the_row_that_stands(settings: Settings) -> None:
    """A record scored again after a swap: another champion answers otherwise, and another shadow is asked."""
    async with tables(settings) as pool:
        await store(pool, block_of(2, labels=labels(0, 1), shadow=shadow_of(2, model=2, labels=labels(0, 0))))
        await store(
            pool,
            block_of(3, model=5, labels=labels(1, 0, 1), shadow=shadow_of(3, model=6, labels=labels(1, 1, 0))),
        )
        found = {(row["kafka_offset"], row["model"]): row["disagrees"] for row in await shadow_rows(pool)}
        assert found == {(0, 2): False, (1, 2): True, (0, 6): True, (1, 6): False, (2, 6): True}
        assert [row["model"] for row in await rows(pool)] == [1, 1, 5]


async def test_a_shadow_that_comes_with_a_second_reading_only_is_compared_too(settings: Settings) -> None:
    """And one whose first reading had none of it changes no prediction."""
    async with tables(settings) as pool:
        await store(pool, block_of(2, labels=labels(0, 1)))
        before = await rows(pool)
        await store(pool, block_of(2, model=5, labels=labels(1, 1), shadow=shadow_of(2, labels=labels(0, 0))))
        assert await disagreeing(pool) == [False, True]
        assert await rows(pool) == before


@st.composite
def readings(draw: st.DrawFn) -> list[list[Block]]:
    """Calls that store parts of one small topic, again and again, scored by whatever champion and shadow were live."""
    seeds = count()

    def block() -> Block:
        n, first, k = draw(st.integers(1, 5)), draw(st.integers(0, 6)), draw(st.integers(2, 3))
        shadow = None
        if draw(st.booleans()):
            classes = draw(st.sampled_from([("0", "1"), ("1", "0"), ("0", "2", "1")]))
            answers = draw(st.lists(st.integers(NO_ANSWER, len(classes) - 1), min_size=n, max_size=n))
            version = draw(st.integers(5, 6))
            shadow = shadow_of(
                n, k=len(classes), classes=classes, labels=labels(*answers), model=version, seed=next(seeds)
            )
        model = draw(st.integers(1, 2))
        return block_of(n, first_offset=first, k=k, model=model, seed=next(seeds), shadow=shadow)

    return [[block() for _ in range(draw(st.integers(1, 3)))] for _ in range(draw(st.integers(1, 4)))]


@examples(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(calls=readings())
async def test_any_history_of_readings_gives_what_the_first_of_each_said(
    settings: Settings, calls: list[list[Block]]
) -> None:
    """Which row of a call is the first isn't said, so calls whose blocks overlap are made block by block."""
    predicted: dict[int, str] = {}
    said: dict[tuple[int, int], tuple[str, bool]] = {}
    async with tables(settings) as pool:
        await as_owner(settings, "TRUNCATE predictions, shadow_predictions, totals")
        for call in calls:
            places = [int(offset) for block in call for offset in block.offsets]
            for blocks in [call] if len(set(places)) == len(places) else [[block] for block in call]:
                await store(pool, *blocks)
                for block in blocks:
                    _remember(block, predicted, said)
        again = [block for call in calls[::-1] for block in call]
        await store(pool, *again)
        for block in again:
            _remember(block, predicted, said)
        assert {row["kafka_offset"]: row["label"] for row in await rows(pool)} == predicted
        found = {
            (row["kafka_offset"], row["model"]): (row["label"], row["disagrees"]) for row in await shadow_rows(pool)
        }
        assert found == said


def _remember(block: Block, predicted: dict[int, str], said: dict[tuple[int, int], tuple[str, bool]]) -> None:
    """The tables, as plain as can be."""
    for i, offset in enumerate(block.offsets.tolist()):
        predicted.setdefault(offset, block.classes[block.labels[i]])
        if block.shadow is not None and block.shadow.labels[i] != NO_ANSWER:
            label = block.shadow.classes[block.shadow.labels[i]]
            said.setdefault((offset, block.shadow.model), (label, label != predicted[offset]))
