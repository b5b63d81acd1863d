"""Shows what the consumer reports: offsets that vanished, topics that don't exist, transactions that stay open.

Its findings are notices in the heartbeat; lost offsets are also written to the table `gaps`. Topics that were created
again are noticed in `agents.kafka.recreated_topics`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import faust
import structlog
from aiokafka.errors import KafkaError
from faust.types import TP

from relearn.agents.availability.backoff import Backoff
from relearn.agents.availability.notices import Notices
from relearn.agents.availability.retry import sleep_unless_stopped
from relearn.agents.kafka.recreated_topics import Jump
from relearn.agents.stores.gaps import Gap, add_gaps
from relearn.agents.stores.postgres import open_pool
from relearn.agents.worker.shutdown import run_until_stopped
from relearn.agents.worker.state import WorkerState
from relearn.schemas.errors import PostgresUnavailable, SetupError
from relearn.schemas.settings import Settings

log = structlog.get_logger()

LOOK_EVERY_S = 1.0
CHECK_TOPICS_EVERY_S = 5.0
#: A transaction that is open for longer becomes a notice. Those of a healthy producer last milliseconds to seconds.
OPEN_TRANSACTION_S = 10.0
#: A notice about offsets that vanished is shown for this time. The table keeps them.
GAP_SHOWN_S = 3600.0
#: Longest pause between two attempts to save gaps while Postgres is away.
LONGEST_WAIT_S = 30.0
#: Gaps that wait for Postgres; more are logged only.
_UNSAVED_MAX = 10_000


def attach_offset_watch(app: faust.App, settings: Settings, state: WorkerState) -> None:
    """Add the tasks that watch the offsets which this worker reads, and save what vanished."""

    gaps = UnsavedGaps(partial(_save, settings, state.role))

    async def watch() -> None:
        await run_until_stopped(app, lambda: _watch(app, state, gaps))

    async def save() -> None:
        await run_until_stopped(app, lambda: gaps.save_each(lambda: app.should_stop))

    app.task(watch)
    app.task(save)


async def _watch(app: faust.App, state: WorkerState, gaps: UnsavedGaps) -> None:
    findings, checked_s = Findings(state.notices), 0.0
    while not app.should_stop:
        await asyncio.sleep(LOOK_EVERY_S)
        consumer: Any = app.consumer
        if not consumer.started or consumer.should_stop:
            continue
        now_s = time.monotonic()
        jumps, consumer.jumps = consumer.jumps, []
        gaps.add(jumps)
        findings.jumped(jumps)
        findings.held_back(consumer.held_back())
        findings.failing(await consumer.check_group())
        if now_s > checked_s + CHECK_TOPICS_EVERY_S and not app.rebalancing:
            checked_s = now_s
            try:
                findings.missing(await consumer.check_topics())
            except KafkaError as exc:
                log.debug("topics_not_checked", error=repr(exc))


class UnsavedGaps:
    """Jumps that wait for Postgres, in a task of their own: the watch never waits for it.

    `save` writes jumps; False while it can't.
    """

    def __init__(self, save: Callable[[Sequence[Jump]], Awaitable[bool]]) -> None:
        self._save = save
        self._jumps: list[Jump] = []

    def add(self, jumps: Sequence[Jump]) -> None:
        """Keep `jumps` until they are saved, the last _UNSAVED_MAX of all."""
        self._jumps = [*self._jumps, *jumps][-_UNSAVED_MAX:]

    async def save_each(self, stop: Callable[[], bool]) -> None:
        """Save jumps soon after they are added, with longer and longer pauses while that fails.

        Raises:
            Stopping: `stop()` became true.
        """
        backoff, wait_s = Backoff(LOOK_EVERY_S, LONGEST_WAIT_S), LOOK_EVERY_S
        while True:
            await sleep_unless_stopped(wait_s, stop=stop)
            jumps, self._jumps = self._jumps, []
            if not jumps or await self._save(jumps):
                backoff.reset()
                wait_s = LOOK_EVERY_S
            else:
                self._jumps = [*jumps, *self._jumps][-_UNSAVED_MAX:]
                wait_s = backoff.next_s()


async def _save(settings: Settings, role: str, jumps: Sequence[Jump]) -> bool:
    """Write jumps to Postgres, on a connection of its own: they are rare. False while Postgres is unavailable."""
    gaps = [Gap(role, one.topic, one.former_id, one.partition, one.why, one.position, one.lost) for one in jumps]
    try:
        pool = await open_pool(settings, size=1)
        try:
            await add_gaps(pool, gaps)
        finally:
            pool.terminate()
    except (PostgresUnavailable, SetupError) as exc:
        log.debug("gaps_not_saved", error=str(exc))
        return False
    return True


@dataclass(slots=True)
class _Sum:
    """Jumps of one topic and one cause, added up."""

    partitions: set[int] = field(default_factory=set)
    lost: int = 0
    last: Jump | None = None
    until_s: float = 0.0


class Findings:
    """What the watch has found, as notices. `clock`: seconds, monotonic."""

    def __init__(self, notices: Notices, clock: Callable[[], float] = time.monotonic) -> None:
        self._notices = notices
        self._clock = clock
        self._sums: dict[str, _Sum] = {}
        self._held: dict[TP, tuple[int, float]] = {}
        self._shown: dict[str, set[str]] = {}
        self._failing: set[str] = set()

    def jumped(self, jumps: Iterable[Jump]) -> None:
        """Show jumps, added up by topic and cause, for GAP_SHOWN_S after the last one."""
        for jump in jumps:
            code = f"{jump.why}:{_short(jump.topic)}"
            total = self._sums.setdefault(code, _Sum())
            total.partitions.add(jump.partition)
            total.lost += jump.lost or 0
            total.last, total.until_s = jump, self._clock() + GAP_SHOWN_S
            self._notices.set(code, _explained(jump, total))
        for code in [code for code, total in self._sums.items() if self._clock() > total.until_s]:
            self._notices.clear(code)
            del self._sums[code]

    def held_back(self, held: Mapping[TP, tuple[int, int]]) -> None:
        """Show transactions that hold back a partition at one offset for OPEN_TRANSACTION_S.

        `held`: by partition the offset where reading waits, and the number of offsets behind it.
        """
        now_s = self._clock()
        since = {
            tp: (at, self._held[tp][1] if self._held.get(tp, (-1,))[0] == at else now_s) for tp, (at, _) in held.items()
        }
        self._held = since
        topics: dict[str, list[TP]] = {}
        for tp, (_, since_s) in since.items():
            if now_s >= since_s + OPEN_TRANSACTION_S:
                topics.setdefault(tp.topic, []).append(tp)
        told = {}
        for topic, partitions in topics.items():
            behind = sum(held[tp][1] for tp in partitions)
            told[topic] = (
                f"an open transaction holds back {behind:,} offsets of {topic}, partitions "
                f"{_numbers(tp.partition for tp in partitions)}: they are read when the transaction ends or times out"
            )
        self._show("open-transaction", told)

    def failing(self, failures: Mapping[str, str]) -> None:
        """Show what the consumer can't do, and why. It goes on trying."""
        for what in self._failing - failures.keys():
            self._notices.clear(what)
        for what, text in failures.items():
            self._notices.set(what, f"{what} fails, and is retried: {text}")
        self._failing = set(failures)

    def missing(self, topics: Iterable[str]) -> None:
        """Show topics that don't exist."""
        self._show("no-topic", {topic: f"there is no topic {topic}; run `relearn migrate`" for topic in topics})

    def _show(self, kind: str, told: Mapping[str, str]) -> None:
        """Show one notice of `kind` for each topic in `told`, and end those of other topics."""
        for topic, text in told.items():
            self._notices.set(f"{kind}:{_short(topic)}", text)
        for topic in self._shown.get(kind, set()) - told.keys():
            self._notices.clear(f"{kind}:{_short(topic)}")
        self._shown[kind] = set(told)


def _explained(jump: Jump, total: _Sum) -> str:
    where = f"{jump.topic}, partitions {_numbers(total.partitions)}"
    match jump.why:
        case "deleted":
            return f"{total.lost:,} offsets of {where}, were deleted before they were read"
        case "recreated":
            least = "an unknown number" if jump.lost is None and not total.lost else f"{total.lost:,}"
            unread = f"{least} of its offsets were not read before"
            return f"{where}: the topic was deleted and created again; {unread}"
        case "truncated":
            return (
                f"{where}: the log ends before offset {jump.position:,}, which was read; read again from {jump.resumed}"
            )


def _short(topic: str) -> str:
    """The topic without its namespace."""
    return topic.rpartition(".")[2]


def _numbers(partitions: Iterable[int]) -> str:
    """At most ten partitions, in order."""
    ordered = sorted(partitions)
    return ", ".join(map(str, ordered[:10])) + (" …" if len(ordered) > 10 else "")
