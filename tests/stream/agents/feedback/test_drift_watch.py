"""The watch for drift on a real Postgres: which records it compares, what it keeps, and what it reports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from relearn.agents.availability.retry import Retry
from relearn.agents.feedback.drift_watch import DriftWatch
from relearn.agents.learning.drift import REFERENCE, WINDOW, compare, reference
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.predictions.sample import gathered
from relearn.agents.stores.predictions.tail import BEGINNING_AMONG, FIRST_AMONG
from relearn.agents.stores.topic_generations import register_generation
from relearn.agents.stores.training.drift import DriftRow, latest_drift, read_drift, write_drift
from relearn.agents.worker.state import WorkerState
from relearn.schemas.model.linear_svm import Floats
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from tests.support.data.blocks import block_of
from tests.support.data.stored import store, tables
from tests.support.servers.embedded import Servers
from tests.support.servers.namespaces import as_owner
from tests.support.waiting import eventually

NAMES = ("x", "y", "z")


@dataclass
class Stream:
    """A namespace whose champions score, and a watch on it."""

    settings: Settings
    pool: Pool
    watch: DriftWatch
    #: How often there was news.
    news: int = 0
    generation: int = 0
    activation: int = 0
    _offsets: dict[tuple[int, int], int] = field(default_factory=dict)
    _seed: int = 0

    async def activate(self, version: int = 1) -> int:
        """Make a model the champion; the number of the activation."""
        job = f"job-{version}"
        await self.pool.execute(
            "INSERT INTO jobs (id, command, state, reason)"
            " VALUES ($1, 'train', 'promoted', '{}') ON CONFLICT DO NOTHING",
            job,
        )
        await self.pool.execute(
            "INSERT INTO models (version, job, state, body, sha256, metrics, set_digest, example_ids)"
            " VALUES ($1, $2, 'former', '', '', '{}', '', '{}') ON CONFLICT DO NOTHING",
            version,
            job,
        )
        self.activation = await self.pool.fetchval(
            "INSERT INTO activations (role, version, job, reason, message)"
            " VALUES ('champion', $1, $2, '{}', '') RETURNING activation",
            version,
            job,
        )
        return self.activation

    async def make_topic_again(self) -> None:
        self.generation = await register_generation(
            self.pool, topic_name(self.settings.namespace, "ingest"), f"topic-{self.generation + 1}"
        )

    async def come(self, n: int, *, shift: float = 0.0, partition: int = 0, **given: Any) -> tuple[Floats, Floats]:
        """Store n more records of a partition, `x` shifted; their features and margins."""
        place = (self.generation, partition)
        first = self._offsets.get(place, 0)
        self._offsets[place] = first + n
        self._seed += 1
        columns = {
            "generation": self.generation,
            "activation": self.activation,
            "partition": partition,
            "seed": self._seed,
            **given,
        }
        block = block_of(n, first_offset=first, **columns)
        block.features[:, 0] += shift
        await store(self.pool, block)
        return block.features, block.margins.max(axis=1)

    async def look(self) -> DriftRow | None:
        """One look; what is known after it."""
        await self.watch.look()
        return await latest_drift(self.pool)

    async def row(self) -> DriftRow:
        found = await self.look()
        assert found is not None
        return found

    def another_watch(self, **given: Any) -> DriftWatch:
        """As another process would have it."""

        async def pool() -> Pool:
            return self.pool

        retry = Retry(WorkerState("feedback-1", "feedback"), given.pop("stop", lambda: False))
        parts: dict[str, Any] = {
            "pool": pool,
            "in_charge": lambda: True,
            "news": self._take_news,
        }
        return DriftWatch(self.settings, retry, **{**parts, **given})

    def _take_news(self) -> None:
        self.news += 1

    async def rows_read(self) -> int:
        """How many rows of predictions were read so far, by whatever way; asked of one connection."""
        await self.pool.execute("SELECT pg_stat_force_next_flush()")
        return int(
            await self.pool.fetchval(
                "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables"
                " WHERE schemaname = $1 AND relname LIKE 'predictions%'",
                self.settings.namespace,
            )
        )


@asynccontextmanager
async def stream(settings: Settings, **given: Any) -> AsyncIterator[Stream]:
    """A stream whose first champion has just become it."""
    async with tables(settings, **given) as pool:
        await pool.execute("INSERT INTO feature_schema (names) VALUES ($1)", list(NAMES))
        found = Stream(settings, pool, None)  # type: ignore[arg-type]
        found.watch = found.another_watch()
        found.generation = -1
        await found.make_topic_again()
        await found.activate()
        yield found


async def test_the_reference_is_the_first_thousand_of_this_activation(settings: Settings) -> None:
    """Whatever stands before them, in between, and after them."""
    async with stream(settings) as live:
        await live.come(3000, shift=50)
        await live.activate(2)
        assert await live.look() is not None
        await live.come(40, activation=1, shift=50)
        assert (await live.row()).state.reference is None
        parts = [await live.come(600)]
        assert (await live.row()).state.reference is None
        await live.come(100, activation=1, shift=50)
        parts.append(await live.come(700))
        await live.come(100, shift=50)
        row = await live.row()
        features, margins = (np.concatenate(columns)[:REFERENCE] for columns in zip(*parts, strict=True))
        assert row.state.reference == reference(NAMES, features, margins)
        assert (row.activation, row.model, row.drifted, row.state.window) == (2, 2, (), None)


async def test_how_far_the_next_look_is_can_be_told(settings: Settings) -> None:
    """What others answered before the champion began isn't counted; after its reference only what came since."""
    async with stream(settings) as live:
        ingest = topic_name(settings.namespace, "ingest")

        async def told() -> int:
            state = (await live.row()).state
            return await gathered(live.pool, ingest, state.cursor, begun=state.reference is not None)

        await live.come(3000)
        await live.activate(2)
        await live.row()
        assert await told() == 0
        await live.come(400)
        await live.come(300, partition=1)
        assert await told() == 700
        await live.come(300)
        assert await told() == 0
        await live.come(40)
        assert await told() == 40


async def test_the_windows_after_it_are_of_what_came_after_it(settings: Settings) -> None:
    """The reference was taken from the middle of the records."""
    async with stream(settings) as live:
        first = await live.come(1000)
        rest = await live.come(WINDOW)
        assert (await live.row()).state.reference == reference(NAMES, *first)
        row = await live.row()
        assert row.state.window is not None
        assert row.state.window.comparison == compare(reference(NAMES, *first), *rest)


async def test_messages_of_many_records_are_taken_record_by_record(settings: Settings) -> None:
    """One message may begin in the reference and end in a window."""
    async with stream(settings) as live:
        offsets = {"offsets": np.zeros(1500, np.int64), "indexes": np.arange(1500, dtype=np.int32)}
        features, margins = await live.come(1500, **offsets)
        row = await live.row()
        assert row.state.reference == reference(NAMES, features[:1000], margins[:1000])
        row = await live.row()
        assert row.state.window is not None
        assert row.state.window.comparison == compare(row.state.reference, features[1000:], margins[1000:])


async def test_a_shift_is_drift_after_two_windows_and_gone_when_it_is_over(settings: Settings) -> None:
    """And the policy watch is woken each time."""
    async with stream(settings) as live:
        await live.come(1000)
        await live.row()
        seen = []
        with capture_logs() as logs:
            for shift in (0, 2, 2, 2, 0, 2, 0):
                await live.come(WINDOW, shift=shift)
                seen.append((await live.row()).drifted)
        assert seen == [(), (), ("x",), ("x",), (), (), ()]
        assert live.news == 2
        events = [(entry["event"], entry["names"], entry["window"]) for entry in logs]
        assert events == [("drift_seen", ["x"], 3), ("drift_gone", ["x"], 5)]
        assert logs[0]["psi"]["x"] > 0.25


async def test_of_several_classes_the_winning_margin_is_watched(settings: Settings) -> None:
    """Whichever class wins, and however far behind the others are."""
    rng = np.random.default_rng(0)

    async def drifted_after(n: int, *, winner: int, height: float, others: float) -> tuple[str, ...]:
        margins = np.full((n, 3), others)
        margins[:, winner] = rng.normal(height, size=n)
        await live.come(n, k=3, margins=margins)
        return (await live.row()).drifted

    async with stream(settings) as live:
        await drifted_after(1000, winner=0, height=10, others=0)
        assert [await drifted_after(WINDOW, winner=2, height=10, others=-50) for _ in range(2)] == [(), ()]
        assert [await drifted_after(WINDOW, winner=1, height=15, others=0) for _ in range(2)] == [(), ("margin",)]


@pytest.mark.parametrize("restarts", [True, False])
async def test_a_restart_in_between_changes_nothing(settings: Settings, restarts: bool) -> None:
    """The state is in Postgres, bit for bit; nothing is reported twice."""
    async with stream(settings) as live:
        parts = []
        with capture_logs() as logs:
            for n, shift in [
                (400, 0),
                (600, 0),
                (300, 0),
                (200, 2),
                (WINDOW, 2),
                (WINDOW, 2),
                (WINDOW, 2),
                (WINDOW, 0),
            ]:
                if restarts:
                    live.watch = live.another_watch()
                parts.append(await live.come(n, shift=shift))
                row = await live.row()
        features, margins = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        taken = reference(NAMES, features[:1000], margins[:1000])
        assert row.state.reference == taken
        assert row.state.window is not None
        assert row.state.window.number == 5
        assert row.state.window.comparison == compare(taken, features[-WINDOW:], margins[-WINDOW:])
        events = [entry["event"] for entry in logs if entry["event"].startswith("drift")]
        assert events == ["drift_reference_taken", "drift_seen", "drift_gone"]


async def test_numbers_of_any_size_are_kept_bit_for_bit(settings: Settings) -> None:
    """Whatever a float64 can hold: constants, the smallest and the largest."""
    async with stream(settings) as live:
        rng = np.random.default_rng(0)
        features = np.column_stack([1.7e308 * rng.uniform(-1, 1, 1000), np.full(1000, -0.1), np.full(1000, 5e-324)])
        features[:200, 2] = np.finfo(np.float64).max
        await live.come(1000, features=features.copy())
        written = await live.row()
        assert written == await read_drift(live.pool, 1)
        live.watch = live.another_watch()
        await live.come(WINDOW, features=features[:WINDOW].copy())
        row = await live.row()
        assert row.state.reference == written.state.reference
        assert row == await read_drift(live.pool, 1)


async def test_a_fast_stream_does_not_leave_the_watch_behind(settings: Settings) -> None:
    """A window is of the latest; what came before it is passed over, and the next begins after it."""
    async with stream(settings) as live:
        await live.come(1000)
        taken = (await live.row()).state.reference
        assert taken is not None
        for number in (1, 2):
            await live.come(15_000)
            latest = await live.come(WINDOW, shift=2)
            row = await live.row()
            assert row.state.window is not None
            assert row.state.window.number == number
            assert row.state.window.comparison == compare(taken, *latest)
            assert await live.row() == row, "there is nothing new"
        assert row.drifted == ("x",)


async def test_partitions_weigh_in_a_sample_what_they_weigh_in_the_stream(settings: Settings) -> None:
    """Each with its first records, or its latest; one that is silent, or comes later, holds up nothing."""
    async with stream(settings) as live:
        await live.come(5, partition=3, activation=0)
        first = [await live.come(1500), await live.come(500, partition=1)]
        row = await live.row()
        features, margins = (
            np.concatenate([column[:quota] for column, quota in zip(columns, (750, 250), strict=True)])
            for columns in zip(*first, strict=True)
        )
        assert row.state.reference == reference(NAMES, features, margins)
        await live.row()
        latest = [await live.come(3000), await live.come(1000, partition=1), await live.come(1000, partition=2)]
        row = await live.row()
        features, margins = (
            np.concatenate([column[-quota:] for column, quota in zip(columns, (300, 100, 100), strict=True)])
            for columns in zip(*latest, strict=True)
        )
        assert row.state.window is not None
        assert row.state.window.comparison == compare(row.state.reference, features, margins)


async def test_a_sender_with_a_partition_of_his_own_is_no_drift(settings: Settings) -> None:
    """Even if its records differ, and however many come between two checks."""
    async with stream(settings) as live:
        for n in (40, 400, 4, 40, 400, 4000, 40):
            for _ in range(1 + 100 // n):
                await live.come(10 * n)
                await live.come(3 * n, partition=1, shift=8)
                row = await live.row()
                assert row.drifted == ()
        assert row.state.window is not None
        assert max(shift.psi for shift in row.state.window.comparison.shifts.values()) < 0.25


async def test_a_partition_whose_worker_has_another_model_is_passed_over(settings: Settings) -> None:
    """Before the reference and after it, while it lasts."""
    async with stream(settings) as live:
        await live.activate(2)
        for _ in range(3):
            await live.come(1000, partition=1, activation=1, shift=9)
            await live.come(400)
            row = await live.row()
        assert row.state.reference is not None
        assert max(row.state.reference.edges[0]) < 5
        for number in (1, 2, 3):
            await live.come(1000, partition=1, activation=1, shift=9)
            await live.come(WINDOW)
            row = await live.row()
            assert row.state.window is not None
            assert row.state.window.number == number
        assert row.drifted == ()
        latest = [await live.come(WINDOW), await live.come(WINDOW, partition=1)]
        features, margins = (
            np.concatenate([column[-WINDOW // 2 :] for column in columns]) for columns in zip(*latest, strict=True)
        )
        row = await live.row()
        assert row.state.window is not None
        assert row.state.window.comparison == compare(row.state.reference, features, margins), "it counts from now on"


async def test_another_beginning_is_found_after_a_lapse_into_the_model_before(settings: Settings) -> None:
    """A partition may go for a while to a worker that hasn't heard of the champion yet."""
    async with stream(settings) as live:
        await live.activate(2)
        await live.come(10, shift=9)
        await live.row()
        await live.come(FIRST_AMONG, activation=1, shift=9)
        await live.row()
        first = await live.come(1000)
        assert (await live.row()).state.reference == reference(NAMES, *first)


async def test_a_watch_that_comes_late_begins_where_the_stream_is(settings: Settings) -> None:
    """With records of the activation, though not with its very first."""
    async with stream(settings) as live:
        await live.come(3000, shift=9)
        features, margins = await live.come(BEGINNING_AMONG)
        assert (await live.row()).state.reference == reference(NAMES, features[:REFERENCE], margins[:REFERENCE])


async def test_a_rollback_gets_a_reference_of_its_own(settings: Settings) -> None:
    """What drifted under the activation before is forgotten, and stays in its row."""
    async with stream(settings) as live:
        await live.come(1000)
        await live.row()
        for _ in range(2):
            await live.come(WINDOW, shift=2)
            before = await live.row()
        assert before.drifted == ("x",)
        await live.activate(1)
        assert await latest_drift(live.pool) is None
        first = await live.come(1000, shift=2)
        row = await live.row()
        assert (row.activation, row.model, row.drifted) == (2, 1, ())
        assert row.state.reference == reference(NAMES, *first)
        for _ in range(3):
            await live.come(WINDOW, shift=2)
            assert (await live.row()).drifted == ()
        assert await read_drift(live.pool, 1) == before


async def test_a_topic_made_again_goes_on_against_the_same_reference(settings: Settings) -> None:
    """Its offsets begin at nothing."""
    async with stream(settings) as live:
        await live.come(1000)
        await live.row()
        await live.come(400)
        await live.make_topic_again()
        latest = await live.come(WINDOW, shift=2)
        row = await live.row()
        assert row.state.reference is not None
        assert row.state.window is not None
        assert row.state.window.comparison == compare(row.state.reference, *latest)
        await live.come(WINDOW, shift=2)
        assert (await live.row()).drifted == ("x",)


async def test_a_topic_made_again_before_the_reference_begins_it_again(settings: Settings) -> None:
    async with stream(settings) as live:
        await live.come(900, shift=9)
        await live.row()
        await live.make_topic_again()
        await live.come(200)
        assert (await live.row()).state.reference is None
        await live.come(800)
        row = await live.row()
        assert row.state.reference is not None
        assert max(row.state.reference.edges[0]) < 5


async def test_a_still_stream_costs_nothing(settings: Settings) -> None:
    """Neither records are read nor anything written; without the table, a look that reads it would fail."""
    async with stream(settings) as live:

        async def nothing_is_read() -> None:
            before = await latest_drift(live.pool)
            await as_owner(settings, "ALTER TABLE predictions RENAME TO away")
            assert await live.look() == before
            await as_owner(settings, "ALTER TABLE away RENAME TO predictions")

        await nothing_is_read()
        await live.come(10, partition=2, activation=0)
        await live.row()
        await nothing_is_read()
        for n in (10, 1000, WINDOW, WINDOW - 1):
            await live.come(n, partition=1)
            await live.row()
            await live.row()
            await nothing_is_read()


async def test_a_look_reads_few_rows_however_many_there_are(settings: Settings) -> None:
    """Also where Postgres has no statistics yet, as on the first minute of a day."""
    async with stream(settings, size=1) as live:
        for partition in (0, 1):
            await live.come(30_000, partition=partition, activation=0)
        before = await live.rows_read()
        read = []
        for n in (0, 10, BEGINNING_AMONG + 100, 30_000, WINDOW, 30_000):
            for partition in (0, 1):
                await live.come(n, partition=partition)
            offset = await live.rows_read()
            row = await live.row()
            read.append(await live.rows_read() - offset)
        assert before == 0, read
        assert row.state.window is not None
        assert read[0] <= 4
        assert read[1] <= 30
        assert max(read[2:]) <= 2 * REFERENCE


async def test_before_the_first_champion_there_is_nothing_to_watch(settings: Settings) -> None:
    async with stream(settings) as live:
        await live.pool.execute("DELETE FROM activations")
        await live.come(2000)
        assert await live.look() is None


async def test_drift_is_watched_also_where_it_is_no_reason_to_train(settings: Settings) -> None:
    async with stream(settings.model_copy(update={"retrain_drift": False})) as live:
        await live.come(1000)
        await live.row()
        for _ in range(2):
            await live.come(WINDOW, shift=2)
            await live.row()
        assert live.news == 1


async def test_what_was_written_meanwhile_stays(settings: Settings) -> None:
    """Two watches may believe for a moment that they are in charge."""
    async with stream(settings) as live:
        await live.come(1000)
        before = await live.row()
        other = live.another_watch()
        await live.come(WINDOW, shift=2)
        await asyncio.gather(live.watch.look(), other.look())
        await asyncio.gather(live.watch.look(), other.look())
        row = await latest_drift(live.pool)
        assert row is not None
        assert row.state.window is not None
        assert (row.state.window.number, row.state.streak) == (1, {"x": 1})
        assert await write_drift(live.pool, before) is None
        assert await latest_drift(live.pool) == row
        for number, watch in [(2, live.watch), (3, other), (4, live.watch)]:
            await live.come(WINDOW)
            await watch.look()
            row = await latest_drift(live.pool)
            assert row is not None
            assert row.state.window is not None
            assert row.state.window.number == number, "each continues from the latest state"


async def test_only_the_one_in_charge_watches_and_it_waits_for_postgres(settings: Settings, servers: Servers) -> None:
    """From check to check, until it is stopped."""
    async with stream(settings) as live:
        charge, stopped, looks = asyncio.Event(), asyncio.Event(), asyncio.Queue[bool]()

        def in_charge() -> bool:
            looks.put_nowait(charge.is_set())
            return charge.is_set()

        async def reference_taken() -> None:
            while (row := await latest_drift(live.pool)) is None or row.state.reference is None:
                assert await looks.get()

        watch = live.another_watch(in_charge=in_charge, stop=stopped.is_set)
        await live.come(1000)
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(watch.run())
            assert [await looks.get() for _ in range(2)] == [False, False]
            assert await latest_drift(live.pool) is None
            with servers.postgres.away():
                charge.set()
                while not await looks.get():
                    pass
                await asyncio.to_thread(
                    eventually, lambda: watch.retry.state.condition == "waiting for Postgres", "it ended"
                )
            await reference_taken()
            stopped.set()
            await running
