"""Storing feedback: once per id, about the prediction it names, whether that was stored before or comes later."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from relearn.agents.availability.clock_jumps import ClockJumps
from relearn.agents.availability.retry import Retry
from relearn.agents.learning.reviews import reviews, standing_statements
from relearn.agents.learning.training_set import example_key
from relearn.agents.stores.feedback import waiting_rows as waiting_feedback
from relearn.agents.stores.feedback import waiting_rows as waiting_table
from relearn.agents.stores.feedback.corrections import Taken, store_feedback
from relearn.agents.stores.feedback.reviewer_statements import all_statements
from relearn.agents.stores.feedback.waiting_rows import BEGIN, forget_waiting
from relearn.agents.stores.feedback.waiting_sweep import Swept, sweep_waiting
from relearn.agents.stores.postgres import Pool
from relearn.agents.worker.state import WorkerState
from relearn.schemas.errors import PostgresUnavailable
from relearn.schemas.messages.feedback import Feedback, ReceivedFeedback, encode_feedback
from relearn.schemas.migrations import migrations
from relearn.schemas.settings import Settings
from tests.support.data.blocks import NOON_S, block_of
from tests.support.data.feedbacks import APPENDED_MS, TOPIC, corrections, feedback, statement, waiting
from tests.support.data.messages import FakeMessage
from tests.support.data.stored import store, tables
from tests.support.servers.embedded import Servers

LONG_S = 600.0


async def take(pool: Pool, *statements: ReceivedFeedback) -> Taken:
    return await store_feedback(pool, statements)


async def sweep(pool: Pool, wait_s: float = LONG_S, **given: Any) -> Swept:
    return await sweep_waiting(pool, topic=TOPIC, wait_s=wait_s, **given)


async def test_a_correction_copies_the_prediction_that_it_is_about(settings: Settings) -> None:
    """Every column; features bit for bit, so that what is learned outlives the prediction."""
    block = block_of(
        3,
        generation=1,
        partition=2,
        model=7,
        activation=9,
        subjects=["s", None, None],
        labels=np.array([0, 1, 0], np.int16),
    )
    said = feedback("f", "0", prediction="1-2-1-0", record="r", reviewer="ann", via="audit", comment="é")
    async with tables(settings) as pool:
        await store(pool, block)
        assert await take(pool, statement(said, 12, partition=3)) == Taken(corrections=1)
        (row,) = await corrections(pool)
        ingested_at = await pool.fetchval("SELECT ingested_at FROM predictions WHERE kafka_offset = 1")
    assert np.array(row.pop("features")).tobytes() == block.features[1].tobytes()
    assert row.pop("sent_at").timestamp() == (APPENDED_MS + 12) / 1000
    assert row.pop("stored_at") is not None
    assert row == {
        "id": 1,
        "feedback": "f",
        "arrival": 1,
        "sent_partition": 3,
        "sent_offset": 12,
        "label": "0",
        "reviewer": "ann",
        "via": "audit",
        "comment": "é",
        "record": "r",
        "generation": 1,
        "kafka_partition": 2,
        "kafka_offset": 1,
        "record_index": 0,
        "ingested_at": ingested_at,
        "key": example_key(None, block.features[1]),
        "predicted": "1",
        "model": 7,
        "activation": 9,
        "principal": None,
        "scope": "reviewer:ann",
        "strings": None,
        "schema": None,
    }


async def test_a_subject_is_the_key_where_there_is_one(settings: Settings) -> None:
    async with tables(settings) as pool:
        await store(pool, block_of(1, subjects=["s-1"]))
        await take(pool, statement(feedback("f", prediction="0-0-0")))
        assert [row["key"] for row in await corrections(pool)] == ["s-1"]


async def test_what_was_said_is_counted_for_what_it_is(settings: Settings) -> None:
    """Correction, confirmation, withdrawal, duplicate, and one that waits."""
    async with tables(settings) as pool:
        await store(pool, block_of(3, labels=np.array([0, 1, 1], np.int16)))
        taken = await take(
            pool,
            statement(feedback("a", "1", prediction="0-0-0"), 0),
            statement(feedback("b", "1", prediction="0-1-0"), 1),
            statement(feedback("c", None, prediction="0-2-0"), 2),
            statement(feedback("a", "1", prediction="0-0-0"), 3),
            statement(feedback("d", "1", prediction="0-9-0"), 4),
            statement(feedback("e", "new class", prediction="0-1-0"), 5),
        )
        assert taken == Taken(corrections=2, confirmations=1, withdrawals=1, duplicates=1, waiting=1)
        assert taken.rows == 4
        assert [(row["feedback"], row["label"]) for row in await corrections(pool)] == [
            ("a", "1"),
            ("b", "1"),
            ("c", None),
            ("e", "new class"),
        ]


@pytest.mark.parametrize("stored_first", [True, False], ids=["stored", "waiting"])
async def test_an_id_belongs_to_its_sender(settings: Settings, stored_first: bool) -> None:
    """Two reviewers, or two API keys, that use one id: every statement is a row, once, whenever it is read again."""
    said = [
        statement(feedback("1", "1", prediction="0-0-0", reviewer="ann"), 0),
        statement(feedback("1", "0", prediction="0-0-0", reviewer="bob"), 1),
        statement(feedback("1", "0", prediction="0-1-0", reviewer="ann", principal="k1"), 2),
        statement(feedback("1", "1", prediction="0-2-0", reviewer="ann", principal="k2"), 3),
        statement(feedback("1", "1", prediction="0-3-0"), 4),
    ]
    async with tables(settings) as pool:
        if stored_first:
            await store(pool, block_of(4))
        for _ in range(2):
            await take(pool, *said)
            for one in said:
                await take(pool, one)
        if not stored_first:
            await store(pool, block_of(4))
            assert (await sweep(pool)).taken.rows == 5
        rows = [(row["scope"], row["label"], row["kafka_offset"]) for row in await corrections(pool)]
        assert sorted(rows) == [
            ("key:k1", "0", 1),
            ("key:k2", "1", 2),
            ("reviewer:", "1", 3),
            ("reviewer:ann", "1", 0),
            ("reviewer:bob", "0", 0),
        ]
        assert await waiting(pool) == []


@pytest.mark.parametrize(
    "other",
    [
        feedback("1", "0", prediction="0-0-0", reviewer="ann"),
        feedback("1", "1", prediction="0-1-0", reviewer="ann"),
        feedback("1", "1", prediction="0-0-0", reviewer="ann", comment="no"),
        feedback("1", "1", record="r", reviewer="ann"),
        feedback("1", None, prediction="0-9-0", reviewer="ann"),
    ],
)
@pytest.mark.parametrize("stored_first", [True, False], ids=["stored", "waiting"])
async def test_another_statement_under_a_used_id_is_refused_not_dropped(
    settings: Settings, stored_first: bool, other: Feedback
) -> None:
    """It becomes a dead letter, so that nothing that was accepted is lost; the first one stands."""
    first, second = statement(feedback("1", "1", prediction="0-0-0", reviewer="ann"), 0), statement(other, 1)
    async with tables(settings) as pool:
        if stored_first:
            await store(pool, block_of(2, ids=["r", "q"]))
        taken = await take(pool, first, second, first)
        assert (taken.rows + taken.waiting, taken.duplicates) == (1, 1)
        again = await take(pool, second)
        for refused in (taken.refused, again.refused):
            assert [(one.statement, one.fault.reason) for one in refused] == [(second, "conflict")]
            assert "reviewer 'ann' has used the id '1' for another statement" in refused[0].fault.detail
        if not stored_first:
            await store(pool, block_of(2, ids=["r", "q"]))
            await sweep(pool)
        assert [row["label"] for row in await corrections(pool)] == ["1"]


async def test_feedback_that_waits_under_an_id_used_meanwhile_is_refused(settings: Settings) -> None:
    """The later statement's prediction was stored first: the earlier one isn't dropped."""
    early = statement(feedback("1", "1", prediction="0-1-0", reviewer="ann"), 0)
    late = statement(feedback("1", "1", prediction="0-0-0", reviewer="ann"), 1)
    async with tables(settings) as pool:
        await store(pool, block_of(1))
        assert (await take(pool, early)).waiting == (await take(pool, late)).rows == 1
        ((message, fault),) = (await sweep(pool)).expired
        assert (message.offset, fault.reason) == (0, "conflict")
        await forget_waiting(pool, [message])
        assert await waiting(pool) == []


async def test_nothing_at_all_is_nothing_taken(settings: Settings) -> None:
    async with tables(settings) as pool:
        assert await take(pool) == Taken()


async def test_a_record_id_means_the_newest_prediction_of_it(settings: Settings) -> None:
    """By ingestion, across partitions and days, whichever was stored first; of one message's, the last."""
    day = 86_400.0
    blocks = [
        block_of(1, partition=0, ids=["r"], ingested_at=np.array([NOON_S + 5])),
        block_of(1, partition=1, ids=["r"], ingested_at=np.array([NOON_S + day])),
        block_of(1, partition=2, ids=["r"], ingested_at=np.array([NOON_S - day])),
        block_of(
            3,
            partition=3,
            ids=["twice"] * 3,
            offsets=np.array([4, 4, 3]),
            indexes=np.array([0, 1, 9], np.int32),
            ingested_at=np.full(3, NOON_S),
        ),
    ]
    async with tables(settings) as pool:
        await store(pool, *blocks)
        await take(pool, statement(feedback("f", record="r")), statement(feedback("g", record="twice"), 1))
        rows = await corrections(pool)
        places = [(row["kafka_partition"], row["kafka_offset"], row["record_index"]) for row in rows]
        assert places == [(1, 0, 0), (3, 4, 1)]
        assert [row["record"] for row in rows] == ["r", "twice"]


async def test_what_a_record_first_resolved_to_stands(settings: Settings) -> None:
    """A newer prediction of the same record, and the same feedback again, change nothing."""
    async with tables(settings) as pool:
        await store(pool, block_of(1, ids=["r"]))
        said = statement(feedback("f", record="r"))
        await take(pool, said)
        await store(pool, block_of(1, first_offset=5, ids=["r"]))
        assert await take(pool, said) == Taken(duplicates=1)
        assert [row["kafka_offset"] for row in await corrections(pool)] == [0]


async def test_where_both_are_named_the_place_counts(settings: Settings) -> None:
    """Also while it isn't stored yet and the record is."""
    async with tables(settings) as pool:
        await store(pool, block_of(2, ids=["r", "other"]))
        await take(pool, statement(feedback("f", prediction="0-1-0", record="r")))
        assert await take(pool, statement(feedback("g", prediction="0-7-0", record="r"), 1)) == Taken(waiting=1)
        assert [(row["kafka_offset"], row["record"]) for row in await corrections(pool)] == [(1, "r")]
        assert await waiting(pool) == ["g"]


async def test_the_same_statements_again_change_nothing(settings: Settings) -> None:
    """Rows, ids and what waits."""
    async with tables(settings) as pool:
        await store(pool, block_of(20))
        said = [statement(feedback(f"f{i}", prediction=f"0-{i}-0"), i) for i in range(25)]
        await take(pool, *said)
        before = await corrections(pool), await waiting(pool)
        assert await take(pool, *said) == Taken(duplicates=25)
        assert await take(pool, *said[10:], *said[:10]) == Taken(duplicates=25)
        assert (await corrections(pool), await waiting(pool)) == before
        assert (len(before[0]), len(before[1])) == (20, 5)


async def test_of_one_id_said_twice_the_earlier_counts(settings: Settings) -> None:
    """In Kafka's order, within one chunk too, and even where the two are about different predictions."""
    async with tables(settings) as pool:
        await store(pool, block_of(2))
        later = statement(feedback("f", "later", prediction="0-1-0"), 5)
        earlier = statement(feedback("f", "earlier", prediction="0-0-0"), 9, ms=1, partition=1)
        taken = await take(pool, later, earlier)
        assert [one.statement for one in taken.refused] == [later]
        assert [(row["label"], row["kafka_offset"]) for row in await corrections(pool)] == [("earlier", 0)]


async def test_rows_stand_in_kafkas_order(settings: Settings) -> None:
    """By time, partition and offset, however the chunk was put together."""
    said = [
        statement(feedback("c", prediction="0-0-0"), 7, partition=0, ms=20),
        statement(feedback("d", prediction="0-1-0"), 8, partition=0, ms=20),
        statement(feedback("a", prediction="0-2-0"), 5, partition=1, ms=10),
        statement(feedback("e", prediction="0-3-0"), 6, partition=1, ms=20),
        statement(feedback("b", prediction="0-4-0"), 9, partition=2, ms=15),
    ]
    async with tables(settings) as pool:
        await store(pool, block_of(5))
        await take(pool, *said)
        rows = await corrections(pool)
        assert "".join(row["feedback"] for row in rows) == "abcde"
        ids = [row["id"] for row in rows]
        assert ids == sorted(ids)


async def test_ids_rise_in_the_order_of_commits(settings: Settings) -> None:
    """Several workers write at once; a reader that goes on from the last id it saw misses nothing."""
    async with tables(settings, size=8) as pool:
        await store(pool, block_of(400))
        done = asyncio.Event()

        async def write(worker: int) -> None:
            for first in range(0, 100, 5):
                said = [
                    statement(feedback(f"{worker}-{i}", prediction=f"0-{100 * worker + i}-0"), i, partition=worker)
                    for i in range(first, first + 5)
                ]
                await take(pool, *said)

        async def read() -> list[int]:
            seen: list[int] = []
            while True:
                last = done.is_set()
                rows = await pool.fetch("SELECT id FROM corrections WHERE id > $1 ORDER BY id", max(seen, default=0))
                seen += [row["id"] for row in rows]
                if last:
                    return seen

        reading = asyncio.create_task(read())
        await asyncio.gather(*(write(worker) for worker in range(4)))
        done.set()
        assert await reading == [row["id"] for row in await corrections(pool)]
        assert await pool.fetchval("SELECT count(*) FROM corrections") == 400


async def test_workers_that_read_the_same_store_each_statement_once(settings: Settings) -> None:
    """After a rebalance, or a kill, in any order, without a deadlock."""
    async with tables(settings, size=8) as pool:
        await store(pool, block_of(50))
        said = [statement(feedback(f"f{i}", prediction=f"0-{i}-0"), i) for i in range(100)]
        orders = [said, said[::-1], said[50:] + said[:50], said[25:75]]
        taken = await asyncio.gather(*(take(pool, *order) for order in orders), sweep(pool), sweep(pool))
        assert sum(one.rows for one in taken if isinstance(one, Taken)) == 50
        assert len(await corrections(pool)) == len(await waiting(pool)) == 50


async def test_early_feedback_waits_and_is_swept(settings: Settings) -> None:
    """By place and by record id; what has nothing yet goes on waiting."""
    async with tables(settings) as pool:
        said = [
            statement(feedback("place", prediction="0-0-0"), 0),
            statement(feedback("record", record="r"), 1),
            statement(feedback("never", record="nobody"), 2),
        ]
        assert await take(pool, *said) == Taken(waiting=3)
        assert (await sweep(pool)).taken == Taken(waiting=3)
        await store(pool, block_of(2, ids=[None, "r"], labels=np.array([0, 1], np.int16)))
        swept = await sweep(pool)
        assert (swept.taken, swept.expired) == (Taken(corrections=1, confirmations=1, waiting=1), [])
        assert [row["feedback"] for row in await corrections(pool)] == ["place", "record"]
        assert await waiting(pool) == ["never"]
        assert await take(pool, *said) == Taken(duplicates=3)
        assert (await sweep(pool)).taken == Taken(waiting=1)


async def test_a_swept_statement_is_the_row_that_it_would_have_been(settings: Settings) -> None:
    """Its place in Kafka's order too."""
    said = feedback("f", "0", prediction="0-0-0", record="r", reviewer="ann", via="queue", comment="c")
    same = feedback("g", "0", prediction="0-0-0", record="r", reviewer="ann", via="queue", comment="c")
    async with tables(settings) as pool:
        await take(pool, statement(said, 3, partition=2))
        await store(pool, block_of(1))
        await sweep(pool)
        await take(pool, statement(same, 3, partition=2))
        early, late = [
            {k: v for k, v in row.items() if k not in {"id", "arrival", "feedback", "stored_at"}}
            for row in await corrections(pool)
        ]
        assert early == late


async def test_what_waited_keeps_its_place_in_the_order_of_arrival(settings: Settings) -> None:
    """Among what came before and after it, whatever the broker's clock showed."""
    async with tables(settings) as pool:
        await store(pool, block_of(1))
        await take(pool, statement(feedback("a", prediction="0-0-0"), 7, ms=90))
        await take(pool, statement(feedback("b", prediction="0-1-0"), 8, ms=30))
        await take(pool, statement(feedback("c", prediction="0-2-0"), 4, ms=20, partition=1))
        await take(pool, statement(feedback("d", prediction="0-0-0"), 9, ms=10))
        await store(pool, block_of(3))
        await sweep(pool)
        rows = await pool.fetch("SELECT feedback FROM corrections ORDER BY arrival")
        assert "".join(row["feedback"] for row in rows) == "abcd"
        ids = {row["feedback"]: row["id"] for row in await corrections(pool)}
        assert ids["d"] < ids["b"] < ids["c"]


async def test_the_latest_statement_of_a_reviewer_stands_though_the_brokers_clock_went_back(settings: Settings) -> None:
    """A statement made while the clock was 40 days ahead would stand for 40 days."""
    ahead_ms = 40 * 86_400_000
    async with tables(settings) as pool:
        await store(pool, block_of(1))
        await take(pool, statement(feedback("1", "0", prediction="0-0-0", reviewer="ann"), 1, ms=ahead_ms))
        await take(pool, statement(feedback("2", "1", prediction="0-0-0", reviewer="ann"), 2))
        async with pool.acquire() as connection:
            assert [one.label for one in reviews(await all_statements(connection))] == ["1"]
        # In one chunk, too.
        later = statement(feedback("4", "b", prediction="0-0-0", reviewer="bob"), 5)
        await take(pool, statement(feedback("3", "a", prediction="0-0-0", reviewer="bob"), 4, ms=ahead_ms), later)
        async with pool.acquire() as connection:
            standing = standing_statements(await all_statements(connection))
        assert [(one.reviewer, one.label) for one in standing] == [("ann", "1"), ("bob", "b")]


async def test_a_jump_of_postgres_clock_neither_expires_feedback_nor_keeps_it(settings: Settings) -> None:
    """The rows as the clock of before wrote them; what came after the jump is as old as it is."""
    async with tables(settings) as pool:
        for jump_s in (40 * 86_400, -40 * 86_400):
            own_s = 100.0
            jumps = ClockJumps(lambda: own_s)  # noqa: B023 - read in this round only
            await sweep(pool, jumps=jumps)
            await take(pool, statement(feedback(f"old {jump_s}", prediction="0-0-0"), 1))
            # Postgres' clock can't be set; the rows and the reading before are moved the other way.
            await pool.execute("UPDATE waiting_feedback SET since = since - make_interval(secs => $1)", float(jump_s))
            jumps.seen(time.time() - jump_s)
            await take(pool, statement(feedback(f"new {jump_s}", prediction="0-0-0"), 2))
            swept = await sweep(pool, jumps=jumps)
            assert (swept.taken.waiting, swept.expired) == (2, [])
            spread = "SELECT extract(epoch FROM max(since) - min(since)) < 60 FROM waiting_feedback"
            assert await pool.fetchval(spread)
            await pool.execute("DELETE FROM waiting_feedback")
        # Set back while no worker ran.
        await take(pool, statement(feedback("f", prediction="0-0-0"), 3))
        await pool.execute("UPDATE waiting_feedback SET since = since + interval '40 days'")
        await sweep(pool, jumps=ClockJumps())
        assert await pool.fetchval("SELECT max(since) <= clock_timestamp() FROM waiting_feedback")


async def test_no_more_feedback_waits_than_there_is_room_for(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest is refused at once, and what waits already is known."""
    monkeypatch.setattr(waiting_feedback, "WAITING_MAX", 3)
    async with tables(settings) as pool:
        said = [statement(feedback(f"f{i}", prediction="0-0-0"), i) for i in range(5)]
        taken = await take(pool, *said)
        assert (taken.waiting, [one.fault.reason for one in taken.refused]) == (3, ["unknown", "unknown"])
        again = await take(pool, *said[:4])
        assert (again.waiting, again.duplicates, len(again.refused)) == (0, 3, 1)
        monkeypatch.setattr(waiting_feedback, "WAITING_BYTES_MAX", 1)
        assert len((await take(pool, statement(feedback("g", prediction="0-0-0"), 9))).refused) == 1


async def test_an_id_that_waits_and_was_stored_meanwhile_is_a_duplicate(settings: Settings) -> None:
    """The same statement read again when its prediction is there: that row counts, and the other never expires."""
    async with tables(settings) as pool:
        await take(pool, statement(feedback("f", prediction="0-0-0")))
        await store(pool, block_of(1))
        await take(pool, statement(feedback("f", prediction="0-0-0"), 1))
        swept = await sweep(pool, wait_s=0)
        assert (swept.taken, swept.expired) == (Taken(duplicates=1), [])
        assert await waiting(pool) == []
        assert [row["kafka_offset"] for row in await corrections(pool)] == [0]


async def test_what_has_waited_too_long_is_told_until_it_is_forgotten(settings: Settings) -> None:
    """The message as it came, and what was named; the row stays until its dead letter has arrived."""
    said = feedback("f", prediction="1-2-3-4")
    headers = (("traceparent", b"00-x"), ("bytes", b"\0\xff"), ("traceparent", b"00-y"), ("empty", b""))
    async with tables(settings) as pool:
        await take(
            pool,
            statement(said, 7, partition=3, key=b"\0k", headers=headers),
            statement(feedback("g", record="nobody"), 8),
        )
        assert list((await sweep(pool)).expired) == []
        for _ in range(2):
            expired = (await sweep(pool, wait_s=0)).expired
            assert [one.message.feedback for one in expired] == ["f", "g"]
        message, fault = expired[0]
        assert (fault.index, fault.reason) == (0, "unknown")
        assert fault.detail.startswith("there is no prediction 1-2-3-4; waited 0.")
        assert "of a record 'nobody'" in expired[1].fault.detail
        assert (message.topic, message.generation, message.partition, message.offset) == (TOPIC, 0, 3, 7)
        assert (message.key, message.value, message.headers) == (b"\0k", encode_feedback(said), headers)
        assert message.timestamp == APPENDED_MS + 7
        await forget_waiting(pool, [one.message for one in expired])
        await forget_waiting(pool, [one.message for one in expired])
        assert list((await sweep(pool, wait_s=0)).expired) == []
        assert await corrections(pool) == []


async def test_what_is_there_is_found_before_it_may_expire(settings: Settings) -> None:
    """However long the worker was away."""
    async with tables(settings) as pool:
        await take(pool, statement(feedback("f", "0", prediction="0-0-0")))
        await store(pool, block_of(1, labels=np.array([1], np.int16)))
        swept = await sweep(pool, wait_s=0)
        assert (swept.taken, swept.expired) == (Taken(corrections=1), [])


async def test_many_that_wait_in_vain_hold_up_nobody(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest are looked at in every sweep, the others in turn, LOOK_ROWS at a time."""
    monkeypatch.setattr(waiting_table, "LOOK_ROWS", 10)
    async with tables(settings) as pool:
        await take(pool, *(statement(feedback(f"old-{i}", record=f"old-{i}"), i) for i in range(95)))
        await take(pool, statement(feedback("new", record="new"), 95))
        await store(pool, block_of(2, ids=["new", "old-50"]))
        first = await sweep(pool)
        assert first.taken.rows == 1
        assert first.taken.waiting == 19
        after, sweeps = first.after, 1
        while "old-50" in await waiting(pool):
            swept = await sweep(pool, after=after)
            after, sweeps = swept.after, sweeps + 1
            assert swept.taken.waiting <= 20
        assert sweeps == 6
        expired: set[str] = set()
        for _ in range(12):
            swept = await sweep(pool, wait_s=0, after=after)
            after = swept.after
            expired |= {one.message.feedback for one in swept.expired}
        assert len(expired) == 94


async def test_a_look_is_bounded_in_bytes(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of keys and headers too; one that alone is larger has its turn all the same."""
    monkeypatch.setattr(waiting_table, "LOOK_BYTES", 1000)
    large: list[dict[str, Any]] = [{"key": b"k" * 5000}, {"headers": (("h", b"v" * 900),)}, {}, {}]
    async with tables(settings) as pool:
        for i, given in enumerate(large):
            await take(pool, statement(feedback(f"f{i}", record="r"), i, **given))
        after, looks = BEGIN, []
        for _ in range(4):
            swept = await sweep(pool, after=after)
            after = swept.after
            looks.append(swept.taken.waiting)
        # The newest that fit, f3, f2 and f1, and each time the one that fits of the round: f0, f1, f2 and f3, none.
        assert looks == [4, 3, 3, 3]


async def test_one_sweep_at_a_time(settings: Settings) -> None:
    """Another one has nothing to do, and doesn't wait."""
    async with tables(settings) as pool:
        await take(pool, *(statement(feedback(f"f{i}", prediction=f"0-{i}-0"), i) for i in range(20)))
        await store(pool, block_of(20))
        swept = await asyncio.gather(*(sweep(pool) for _ in range(4)))
        assert sum(one.taken.rows for one in swept) == 20
        assert sum(one.taken.duplicates for one in swept) == 0
        assert await waiting(pool) == []
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' sweep', 0))")
            after = (await sweep(pool, after=BEGIN)).after
        assert after == BEGIN


@pytest.mark.parametrize(
    "given",
    [{"label": "a\0b"}, {"comment": "\ud800"}, {"record": "\0"}, {"via": "hearsay"}],
)
async def test_a_statement_that_postgres_refuses_is_cut_out_alone(settings: Settings, given: dict[str, Any]) -> None:
    """No codec lets such a one through; should one come all the same, its neighbours are stored, in order."""
    async with tables(settings) as pool:
        await store(pool, block_of(10))
        said = [statement(feedback(f"f{i}", prediction=f"0-{i}-0"), i) for i in range(10)]
        bad = replace(feedback("bad", prediction="0-0-0"), **given)
        said[4] = ReceivedFeedback(bad, 0, FakeMessage(b"as it came", 4, topic=TOPIC))
        said[7] = statement(feedback("waits", prediction="5-5-5"), 7)
        taken = await take(pool, *said)
        assert (taken.rows, taken.waiting, taken.duplicates) == (8, 1, 0)
        ((refused, fault),) = taken.refused
        assert (refused.message.value, refused.message.offset) == (b"as it came", 4)
        assert (fault.index, fault.reason) == (0, "refused")
        assert "Postgres refuses a row" in fault.detail or "asyncpg refuses a value" in fault.detail
        assert [row["feedback"] for row in await corrections(pool)] == [f"f{i}" for i in (0, 1, 2, 3, 5, 6, 8, 9)]
        assert [row["id"] for row in await corrections(pool)] == sorted(row["id"] for row in await corrections(pool))


async def test_an_id_that_postgres_refuses_is_refused_while_it_would_wait(settings: Settings) -> None:
    async with tables(settings) as pool:
        bad = statement(feedback("\0", record="r"))
        taken = await take(pool, bad, statement(feedback("good", record="r"), 1))
        assert (taken.waiting, [one.statement for one in taken.refused]) == (1, [bad])
        assert await waiting(pool) == ["good"]


async def test_what_waits_and_cannot_be_read_any_more_ends_as_a_dead_letter(settings: Settings) -> None:
    """At once, with the reason; it blocks no other feedback."""
    async with tables(settings) as pool:
        said = feedback("f", record="r")
        await take(pool, ReceivedFeedback(said, 0, FakeMessage(b"\xc1", 4, topic=TOPIC)))
        await take(pool, statement(feedback("g", prediction="0-0-0"), 5))
        await store(pool, block_of(1))
        swept = await sweep(pool)
        assert swept.taken.rows == 1
        assert [(one.message.value, one.fault.reason) for one in swept.expired] == [(b"\xc1", "unreadable")]


async def test_postgres_away_is_said_and_storing_later_succeeds(settings: Settings, servers: Servers) -> None:
    """With the same pool, as soon as it answers."""
    async with tables(settings) as pool:
        await store(pool, block_of(1))
        said = statement(feedback("f", prediction="0-0-0"))
        with servers.postgres.away():
            for call in (lambda: take(pool, said), lambda: sweep(pool), lambda: forget_waiting(pool, [])):
                with pytest.raises(PostgresUnavailable):
                    await call()
        retry = Retry(WorkerState("", ""), stop=lambda: False)
        taken = await retry.until_available(lambda: take(pool, said), "Postgres")
        assert taken.rows == 1


async def test_what_each_reviewer_said_is_added_up_as_it_comes(settings: Settings) -> None:
    """By statements, once per id, at whatever moment its prediction comes: what counting every row would say."""
    async with tables(settings) as pool:
        await store(pool, block_of(3, labels=np.array([0, 1, 1], np.int16)))
        await take(
            pool,
            statement(feedback("a", "1", prediction="0-0-0", reviewer="ann"), 0),
            statement(feedback("b", "1", prediction="0-1-0", reviewer="ann"), 5),
            statement(feedback("c", None, prediction="0-1-0", reviewer="bob"), 2),
            statement(feedback("d", "1", prediction="0-9-0", reviewer="bob"), 9),
            statement(feedback("e", "1", prediction="0-2-0"), 4),
        )
        await take(pool, statement(feedback("a", "0", prediction="0-0-0", reviewer="ann"), 7))
        await take(pool, statement(feedback("f", "0", prediction="0-0-0", reviewer="ann"), 1))
        await store(pool, block_of(1, first_offset=9, labels=np.array([1], np.int16)))
        await sweep(pool)
        totals = await pool.fetch("SELECT * FROM reviewer_totals ORDER BY reviewer")
        ms = [(round(1000 * row["first_at"].timestamp()), round(1000 * row["last_at"].timestamp())) for row in totals]
        assert [tuple(row)[:4] for row in totals] == [("", 0, 1, 0), ("ann", 1, 2, 0), ("bob", 0, 1, 1)]
        assert ms == [(APPENDED_MS + first, APPENDED_MS + last) for first, last in ((4, 4), (0, 5), (2, 9))]


async def test_what_was_said_before_there_were_totals_is_counted_when_they_are_made(settings: Settings) -> None:
    async with tables(settings) as pool:
        await store(pool, block_of(3, labels=np.array([0, 1, 1], np.int16)))
        said = [("ann", "1"), ("ann", None), (None, "1"), ("bob", "1")]
        await take(
            pool,
            *(
                statement(feedback(f"f{n}", label, prediction=f"0-{n % 3}-0", reviewer=reviewer), n)
                for n, (reviewer, label) in enumerate(said)
            ),
        )
        before = await pool.fetch("SELECT * FROM reviewer_totals ORDER BY reviewer")
        _, insert, rest = next(one.sql for one in migrations() if one.number == 5).partition("INSERT INTO reviewer_t")
        await pool.execute("DELETE FROM reviewer_totals")
        await pool.execute(insert + rest)
        assert await pool.fetch("SELECT * FROM reviewer_totals ORDER BY reviewer") == before
        assert len(before) == 3
