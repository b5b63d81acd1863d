"""The dead letters' table: one row per record, once per place, the original kept once and found again."""

from __future__ import annotations

import pytest

from relearn.agents.stores.dead_letters import (
    DeadLetterRow,
    get_dead_letter,
    list_dead_letters,
    mark_redriven,
    original_of,
    store_dead_letters,
)
from relearn.agents.stores.postgres import Pool
from relearn.schemas.messages.dead_letters import DeadLetter
from relearn.schemas.settings import Settings
from tests.support.data.stored import tables

AT_S = 1_790_000_000.25


def letter(offset: int = 0, *indexes: int, value: bytes | None = b"\xffvalue\0", **given: object) -> DeadLetter:
    fields = {"agent": "score", "reason": "text", "error": "why", "key": b"k", **given}
    place = {"topic": "ingest", "generation": 0, "partition": 1, "offset": offset, "indexes": indexes or (0,)}
    return DeadLetter(**{**place, **fields}, at=AT_S, value=value, original_headers=[("h", b"v")])  # type: ignore[arg-type]


async def newest_first(pool: Pool) -> list[DeadLetterRow]:
    return await list_dead_letters(pool)


async def test_a_letter_of_many_records_is_a_row_each(settings: Settings) -> None:
    """With their own indexes and one reason."""
    async with tables(settings) as pool:
        stored = await store_dead_letters(pool, [letter(4, 3, 17, 20)])
        assert (stored.inserted, stored.totals) == (3, {"ingest": 3})
        assert [(row.offset, row.index, row.reason) for row in await newest_first(pool)] == [
            (4, 20, "text"),
            (4, 17, "text"),
            (4, 3, "text"),
        ]


async def test_the_original_is_kept_once_and_found_from_every_row(settings: Settings) -> None:
    """Untouched, whichever bytes it has."""
    async with tables(settings) as pool:
        await store_dead_letters(pool, [letter(4, 3, 17), letter(5, 0, value=b"other")])
        assert await pool.fetchval("SELECT count(*) FROM dead_letters WHERE value IS NOT NULL") == 2
        for row in await newest_first(pool):
            original = await original_of(pool, row)
            assert original is not None
            assert original.value == (b"other" if row.offset == 5 else b"\xffvalue\0")
            assert (original.key, original.headers) == (b"k", [("h", "v")])


async def test_a_record_that_store_refused_has_its_own_original(settings: Settings) -> None:
    """Several of one message: each row holds its own record, not the message."""
    async with tables(settings) as pool:
        letters = [letter(4, index, agent="store", value=b"%d" % index) for index in (2, 1)]
        await store_dead_letters(pool, letters)
        for row in await newest_first(pool):
            original = await original_of(pool, row)
            assert original is not None
            assert original.value == b"%d" % row.index


async def test_the_same_letters_again_change_nothing(settings: Settings) -> None:
    """Also where they are cut in another way."""
    async with tables(settings) as pool:
        await store_dead_letters(pool, [letter(4, 1, 2), letter(5)])
        before = await newest_first(pool)
        again = await store_dead_letters(pool, [letter(4, 2), letter(4, 1), letter(5), letter(6)])
        assert (again.inserted, again.totals) == (1, {"ingest": 4})
        assert (await newest_first(pool))[1:] == before


async def test_a_letter_twice_in_one_call_is_stored_once(settings: Settings) -> None:
    """As when a scorer sent it again after a restart."""
    async with tables(settings) as pool:
        stored = await store_dead_letters(pool, [letter(4), letter(4)])
        assert stored.inserted == 1


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "😀" * 300])
async def test_any_text_in_a_letter_can_be_stored(settings: Settings, text: str) -> None:
    """What Postgres can't hold is replaced; a letter has nowhere else to go."""
    hostile = letter(7, error=text, reason=text, key=None, value=None)
    async with tables(settings) as pool:
        assert (await store_dead_letters(pool, [hostile])).inserted == 1


async def test_any_header_can_be_stored(settings: Settings) -> None:
    """Bytes that are no UTF-8, NUL, a header without a value."""
    headers = (("raw", b"\xff\xfe"), ("nul\0", b"a\0b"), ("none", None))
    hostile = DeadLetter("score", "r", "e", "ingest", 0, 0, 0, (0,), AT_S, None, b"v", headers)  # type: ignore[arg-type]
    async with tables(settings) as pool:
        await store_dead_letters(pool, [hostile])
        original = await original_of(pool, (await newest_first(pool))[0])
        assert original is not None
        assert [name for name, _ in original.headers] == ["raw", "nul\ufffd", "none"]


async def test_nothing_is_a_call_too(settings: Settings) -> None:
    """No letters, no rows."""
    async with tables(settings) as pool:
        assert (await store_dead_letters(pool, [])).inserted == 0


async def test_lists_are_read_on_from_the_last_row(settings: Settings) -> None:
    """Newest first, by id, filtered."""
    async with tables(settings) as pool:
        await store_dead_letters(pool, [letter(n) for n in range(5)] + [letter(9, agent="feedback", reason="other")])
        first = await list_dead_letters(pool, limit=2, agent="score")
        rest = await list_dead_letters(pool, agent="score", before_id=first[-1].id)
        assert [row.offset for row in first + rest] == [4, 3, 2, 1, 0]
        assert [row.offset for row in await list_dead_letters(pool, reason="other")] == [9]


async def test_a_redriven_letter_is_marked_once(settings: Settings) -> None:
    """And is no longer among the open ones."""
    async with tables(settings) as pool:
        await store_dead_letters(pool, [letter(1), letter(2)])
        row = (await newest_first(pool))[0]
        assert await mark_redriven(pool, row.id, AT_S)
        assert not await mark_redriven(pool, row.id, AT_S + 1)
        marked = await get_dead_letter(pool, row.id)
        assert marked is not None
        assert marked.redriven_at is not None
        assert marked.redriven_at.timestamp() == AT_S
        assert [row.offset for row in await list_dead_letters(pool, is_open=True)] == [1]


async def test_a_letter_that_is_not_there_is_none(settings: Settings) -> None:
    """No row, no mark."""
    async with tables(settings) as pool:
        assert await get_dead_letter(pool, 1) is None
        assert not await mark_redriven(pool, 1, AT_S)


async def test_a_letter_of_feedback_is_found_by_the_id_that_it_was_sent_with(settings: Settings) -> None:
    """Of no other agent's: a record may have an `id` too, which is something else."""
    async with tables(settings) as pool:
        value = b'{"id": "f-1", "label": [], "prediction": "0-0-0"}'
        letters = [letter(n, agent=agent, topic=agent, value=value) for n, agent in enumerate(("feedback", "score"))]
        await store_dead_letters(pool, [*letters, letter(3, agent="feedback", topic="feedback")])
        found = await pool.fetch("SELECT agent, feedback FROM dead_letters ORDER BY id")
        assert sorted(map(tuple, found), key=str) == [("feedback", "f-1"), ("feedback", None), ("score", None)]
