"""The thread of the consumer: aiokafka's client, with topic ids, positions and a shorter long poll than Faust's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from aiokafka.consumer.fetcher import OffsetResetStrategy
from aiokafka.errors import CommitFailedError, KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from relearn.agents.driver_errors.kafka import class_verdict
from relearn.agents.driver_errors.verdict import Verdict
from relearn.agents.fetch.bounded_fetch import POLL_BYTES, bound_fetches, one_poll
from relearn.agents.fetch.parts import Position
from relearn.agents.kafka.id_in_use import StaticMember
from relearn.agents.kafka.recreated_topics import Jump, ReadingClient, committed_metadata
from relearn.agents.worker.shutdown import end_fenced, excuse_messages
from relearn.schemas.messages.records import RawMessage


class FetchWait(NamedTuple):
    """How long the broker may hold a fetch: until it has `min_bytes`, or for `max_wait_ms`."""

    min_bytes: int
    max_wait_ms: int


#: While records arrive. A slow stream comes in small batches instead of record by record.
BUSY = FetchWait(min_bytes=65_536, max_wait_ms=10)
#: After a poll without records. The first record ends the wait; an idle consumer costs two fetches a second, not 100.
IDLE = FetchWait(min_bytes=1, max_wait_ms=500)


#: What may fail: the keys of `failures`.
READING, COMMITTING, GROUP = "reading", "committing", "group"
#: Before the next attempt to read.
FAILED_WAIT_S = 1.0


class Poll(NamedTuple):
    """The result of one poll: the assignment that it belongs to, records, and the positions after them.

    `jumps` precede the records.
    """

    generation: int
    records: Mapping[TP, Sequence[RawMessage]]
    positions: Mapping[TP, Position]
    jumps: Sequence[Jump]


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread with a shorter long poll than its fixed 1,500 ms.

    aiokafka has one fetch in flight per broker, without the partitions whose records it still holds. While only idle
    partitions are left to fetch, that fetch delays the busy ones by up to its `max_wait_ms`, which is short in `BUSY`.
    While all partitions are idle, the fetch contains them all, and the first record on any of them ends it.
    """

    reading: ReadingClient

    def __post_init__(self) -> None:
        super().__post_init__()
        self._sizes: dict[str, int] = {}
        #: The last error of reading, committing and the group, while it lasts.
        self.failures: dict[str, str] = {}

    def _create_worker_consumer(self, transport: driver.Transport) -> Any:
        bound_fetches()
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_min_bytes, consumer._fetch_max_wait_ms = BUSY
        consumer._fetch_max_bytes = POLL_BYTES
        consumer._isolation_level = cast(Any, transport).isolation_level
        return consumer

    async def on_start(self) -> None:
        """Connect, and let fetcher and coordinator use topic ids and the group instance id."""
        await super().on_start()
        consumer: Any = self._ensure_consumer()
        instance = consumer._group_instance_id
        reason = "another worker with this id has joined the group; this worker ends"

        def fenced() -> None:
            excuse_messages(self.app)
            end_fenced(instance, reason)

        coordinator = consumer._coordinator

        def member() -> str:
            return str(coordinator.member_id)

        client = consumer._client if instance is None else StaticMember(consumer._client, instance, member, fenced)
        self.reading = ReadingClient(client, consumer._subscription)
        consumer._fetcher._client = coordinator._client = self.reading

    async def _fetch_records(self, consumer: Any, *args: Any, **kwargs: Any) -> Any:
        """The result of one poll, and the generation that it belongs to.

        The generation is read here, in the thread where assignments change. A poll may begin under one assignment,
        wait, and return records of the next one. With the former generation they would be dropped, although the
        position is behind them already. The next fetch starts after this method has returned (aiokafka sends none for
        a broker whose records are not consumed), so that it already has the new wait.
        """
        try:
            with one_poll():
                fetched = await super()._fetch_records(consumer, *args, **kwargs)
            self.failures.pop(READING, None)
        except KafkaError as exc:
            self._note(READING, exc)
            await asyncio.sleep(FAILED_WAIT_S)
            fetched = {}
        fetcher = consumer._fetcher
        for tp in fetched.keys() & fetcher._records.keys():
            fetcher._records.move_to_end(tp)  # the other partitions are next
        fetcher._fetch_min_bytes, fetcher._fetch_max_wait_ms = BUSY if fetched else IDLE
        return Poll(self.app.consumer_generation_id, fetched, self._positions(), self.reading.take_jumps())

    def _positions(self) -> dict[TP, Position]:
        assignment, found = self._current_assignment(), {}
        for tp in () if assignment is None else assignment.tps:
            state, topic_id = assignment.state_value(tp), self.reading.ids.get(tp)
            if topic_id is not None and state.has_valid_position:
                found[TP(tp.topic, tp.partition)] = Position(topic_id, state.position)
        return found

    def _current_assignment(self) -> Any:
        consumer: Any = self._ensure_consumer()
        subscription = consumer._subscription.subscription
        return None if subscription is None else subscription.assignment

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Read each partition from its committed offset, or from its beginning where there is none."""
        found: Mapping[TP, int] = await self.call_thread(self._seek_to_committed)
        return found

    async def _seek_to_committed(self) -> Mapping[TP, int]:
        consumer: Any = self._ensure_consumer()
        assignment = self._current_assignment()
        if assignment is None or not assignment.tps:
            return {}
        committed = await consumer._coordinator.fetch_committed_offsets(list(assignment.tps))
        if not assignment.active:
            return {}
        for tp in assignment.tps:
            if tp in committed:
                consumer._fetcher.seek_to(tp, committed[tp].offset)
            else:
                # aiokafka leaves such a partition where it is, behind records that were dropped meanwhile.
                consumer._fetcher._records.pop(tp, None)
                assignment.state_value(tp).await_reset(OffsetResetStrategy.EARLIEST)
        return {TP(tp.topic, tp.partition): found.offset for tp, found in committed.items()}

    async def commit_positions(self, positions: Mapping[TP, Position]) -> bool:
        """Commit offsets, each with the id of its topic; False where the group has rebalanced."""
        return bool(await self.call_thread(self._commit_positions, positions))

    async def _commit_positions(self, positions: Mapping[TP, Position]) -> bool:
        consumer, assigned = self._ensure_consumer(), self.assignment()
        offsets = {
            TopicPartition(tp.topic, tp.partition): OffsetAndMetadata(at.offset, committed_metadata(at.topic_id))
            for tp, at in positions.items()
            if tp in assigned
        }
        try:
            await consumer.commit(offsets)
            self.failures.pop(COMMITTING, None)
        except CommitFailedError:
            return False
        except Exception as exc:
            if isinstance(exc, KafkaError) and class_verdict(exc) is not Verdict.OURS:
                self._note(COMMITTING, exc)
                return False
            self.log.exception("offsets could not be committed; assigned: %r", assigned)
            await self.crash(exc)
            return False
        return True

    def _note(self, what: str, exc: KafkaError) -> None:
        """Keep an error that is retried.

        Raises:
            KafkaError: it is a defect of this program.
        """
        if class_verdict(exc) is Verdict.OURS:
            raise exc
        if what not in self.failures:
            self.log.warning("%s fails: %r", what, exc)
        self.failures[what] = str(exc) or type(exc).__name__

    async def check_group(self) -> None:
        """Note the error for which aiokafka has stopped working on its group membership, and let it go on.

        aiokafka waits until its user has seen such an error: a missing right, say. Faust never looks.
        """
        await self.call_thread(self._check_group)

    async def _check_group(self) -> None:
        consumer: Any = self._ensure_consumer()
        try:
            consumer._coordinator.check_errors()
        except KafkaError as exc:
            self._note(GROUP, exc)
        else:
            if self.assignment():
                self.failures.pop(GROUP, None)

    def highwater(self, tp: TP) -> int:
        """The end of what is read of a partition: without open transactions under `read_committed`."""
        consumer = self._ensure_consumer()
        end: Any = consumer.highwater(tp)
        stable: Any = consumer.last_stable_offset(tp)
        return cast(int, stable if self.read_committed and stable is not None and stable >= 0 else end)

    @property
    def read_committed(self) -> bool:
        """Whether records of open and aborted transactions are left out."""
        return bool(cast(Any, self.transport).isolation_level == "read_committed")

    async def check_topics(self) -> frozenset[str]:
        """Read ids and sizes of the subscribed topics, and join the group again if a size has changed.

        Returns the topics that don't exist.

        Raises:
            aiokafka.errors.KafkaError: no broker answers.
        """
        missing: frozenset[str] = await self.call_thread(self._check_topics)
        return missing

    async def _check_topics(self) -> frozenset[str]:
        consumer: Any = self._ensure_consumer()
        subscription = consumer._subscription.subscription
        if subscription is None:
            return frozenset()
        await self.reading.check(subscription.topics)
        before, self._sizes = self._sizes, dict(self.reading.sizes)
        if before and before != self._sizes:
            # The group's leader has to assign the partitions again. After the restart of a static member, aiokafka
            # doesn't know that it leads, and ignores new partitions. The broker does know.
            consumer._coordinator.request_rejoin()
        return self.reading.missing
