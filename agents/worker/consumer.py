"""The chunked Kafka consumer of Faust: an agent gets all messages of one fetch as ONE event instead of one per message.

Faust runs two asyncio tasks per message, which is most of its time on a topic of small records. This subclass of its
aiokafka driver yields each fetch as one chunk per topic, bounded in bytes, over all partitions, and commits by its own
ledger (offset_ledger.py). Group membership, heartbeats, fetches and commits remain those of Faust and aiokafka.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import faust
import structlog
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, AppT, ConsumerMessage, Message
from faust.types.topics import TopicT

from relearn.agents.fetch.parts import Position, split_fetch
from relearn.agents.kafka.recreated_topics import Jump
from relearn.agents.worker.consumer_thread import ConsumerThread, Poll
from relearn.agents.worker.offset_ledger import Ledger, Ticket
from relearn.schemas.messages.records import RawMessage

log = structlog.get_logger()

#: After a fetch of fewer records than SMALL_FETCH the next one waits PAUSE_S, so that a slow stream makes fewer chunks.
SMALL_FETCH = 1000
PAUSE_S = 0.005
NOTHING_ASSIGNED_S = 0.05
#: At a rebalance and at the end, chunks in flight may take this time to finish before their partitions are given up.
DRAIN_S = 5.0
#: A position that was committed is committed again after this time, in case the group's offsets were deleted.
COMMIT_AGAIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Chunk:
    """Messages of one topic from one fetch, in offset order within each partition.

    `topic_id`: Kafka's id of the topic that they were fetched from. A topic of the same name may exist by now.
    """

    topic_id: str
    records: Sequence[RawMessage]
    size_bytes: int
    ledger: Ledger[TP]
    ticket: Ticket[TP]

    @property
    def topic(self) -> str:
        """The topic's full name."""
        return self.records[0].topic

    def start(self) -> None:
        """Tell the driver to wait for this chunk at a rebalance."""
        self.ledger.start(self.ticket)

    def done(self) -> None:
        """Every result of these records is acknowledged: their offsets may be committed."""
        self.ledger.done(self.ticket)

    def abandon(self) -> None:
        """Give up on this chunk. It is read again."""
        self.ledger.abandon(self.ticket)


class _AsFetched(faust.Schema[Any, Any]):
    """Passes a chunk through unchanged. Faust's own schema would decode it, and crash the agent on a bad byte."""

    def loads_key(self, app: AppT, message: Message, **_: Any) -> Any:
        return message.key

    def loads_value(self, app: AppT, message: Message, **_: Any) -> Any:
        return message.value


def chunk_topic(app: faust.App, name: str) -> TopicT:
    """The topic `name` as a source of chunks for `@app.agent`."""
    return app.topic(name, schema=_AsFetched(), internal=False, allow_empty=True)


class ChunkConsumer(driver.Consumer):
    """Faust's aiokafka consumer, one fetch at a time."""

    _thread: ConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ledger: Ledger[TP] = Ledger()
        #: Jumps that were not taken yet, oldest first.
        self.jumps: list[Jump] = []
        #: Per partition: the topic id of the ledger's position, the last end that got a ticket, the last commit.
        self._topic_ids: dict[TP, str] = {}
        self._issued: dict[TP, int] = {}
        self._sent: dict[TP, tuple[int, float]] = {}

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:  # noqa: ASYNC109 - Faust's signature
        """Yield the messages of the next fetch, one chunk per event."""
        if not self.flow_active:
            await self.wait(cast(Any, self.can_resume_flow))
        active = self._get_active_partitions()
        if not active:
            await self.sleep(NOTHING_ASSIGNED_S)
            return
        poll = cast(Poll, await self._getmany(active_partitions=active, timeout=timeout))
        self._follow(poll.jumps)
        if self.should_stop:
            return
        if not self.flow_active:
            if poll.records:
                await self._seek_back()
            return
        # What belongs to a former assignment is dropped: the new one starts from the committed offsets.
        if self.app.consumer_generation_id != poll.generation:
            return
        self._pass(poll)
        epoch = self.ledger.epoch
        for part in split_fetch(poll.records, poll.positions):
            # A static member may get its partitions again in the same generation.
            if not self.flow_active or (self.app.consumer_generation_id, self.ledger.epoch) != (poll.generation, epoch):
                return
            self._track_highwater(part.ends)
            self._issued.update(part.ends)
            ticket = self.ledger.issue(part.ends)
            yield self._event(Chunk(part.topic_id, part.records, part.size_bytes, self.ledger, ticket))
        if 0 < sum(len(records) for records in poll.records.values()) < SMALL_FETCH:
            await asyncio.sleep(PAUSE_S)

    async def _seek_back(self) -> None:
        try:
            await self.perform_seek()
        except Exception as exc:  # noqa: BLE001 - as Faust does: the assignment to come seeks again
            self.log.warning("could not seek back while stopped: %r", exc)

    def _follow(self, jumps: Sequence[Jump]) -> None:
        """Log jumps. The ledger forgets a partition that is read of another topic, or from a lower offset."""
        for jump in jumps:
            tp = TP(jump.topic, jump.partition)
            if jump.why != "deleted":
                self._forget(tp)
            self.jumps.append(jump)
            place = {"topic": jump.topic, "partition": jump.partition, "position": jump.position}
            log.warning("offsets_jumped", why=jump.why, **place, resumed=jump.resumed, lost=jump.lost)

    def _forget(self, tp: TP) -> None:
        self.ledger.forget(tp)
        for known in (self._topic_ids, self._issued, self._sent, self._committed_offset):
            cast("dict[TP, Any]", known).pop(tp, None)

    def _pass(self, poll: Poll) -> None:
        """Note the topics of the positions, and move the ledger past what holds no record: control records, gaps."""
        moved = {}
        for tp, at in poll.positions.items():
            if self._topic_ids.get(tp, at.topic_id) != at.topic_id:
                self._forget(tp)
            self._topic_ids[tp] = at.topic_id
            if tp not in poll.records and at.offset > self._issued.get(tp, -1):
                moved[tp] = at.offset
        if moved:
            self._issued.update(moved)
            self.ledger.done(self.ledger.issue(moved))

    async def check_topics(self) -> frozenset[str]:
        """Compare ids and sizes of the topics with those that are read. Returns the topics that don't exist."""
        return await self._thread.check_topics()

    async def check_group(self) -> dict[str, str]:
        """Let aiokafka go on after an error of its group. Returns the last errors of reading, committing and the group,
        while they last."""
        await self._thread.check_group()
        return dict(self._thread.failures)

    def held_back(self) -> dict[TP, tuple[int, int]]:
        """Partitions that are read up to an open transaction: its first offset, and how many follow up to the end."""
        consumer: Any = self._thread._ensure_consumer()
        found = {}
        for tp in self.assignment() if self._thread.read_committed else ():
            end, stable = consumer.highwater(tp), consumer.last_stable_offset(tp)
            if end is not None and stable is not None and end > stable >= 0 and self._issued.get(tp, -1) >= stable:
                found[tp] = stable, end - stable
        return found

    def _track_highwater(self, ends: Mapping[TP, int]) -> None:
        for tp in ends:
            self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))

    def _event(self, chunk: Chunk) -> tuple[TP, Message]:
        """The chunk as a Faust message at the place of its last record; Faust checks its generation."""
        last = chunk.records[-1]
        tp = TP(last.topic, last.partition)
        message = ConsumerMessage(
            topic=last.topic,
            partition=last.partition,
            offset=last.offset,
            timestamp=last.timestamp / 1000.0,
            timestamp_type=1,
            headers=[],
            key=None,
            value=cast(bytes, chunk),
            checksum=None,
            serialized_key_size=0,
            serialized_value_size=chunk.size_bytes,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )
        # Faust drops messages below its read offset. The order of the ledger makes that check unnecessary here.
        self._read_offset[tp] = None
        return tp, message

    async def verify_all_partitions_active(self) -> None:
        """Nothing: the watchdog does this. Faust's check fails, and ends the worker, while a position is reset."""

    def on_buffer_full(self, tp: TP) -> None:
        """Nothing: the fetcher waits for room in the agent's queue, which holds two chunks."""

    def ack(self, message: Message) -> bool:
        """Mark the event. `Chunk.done` decides which offsets may be committed."""
        message.acked = True
        self._unacked_messages.discard(message)
        return True

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return (tp for tp in self.ledger.positions() if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        return self.ledger.positions().get(tp)

    def _should_commit(self, tp: TP, offset: int) -> bool:
        """Whether `offset` isn't what was committed last. It may be lower, where a topic was created again."""
        committed, at_s = self._sent.get(tp, (-1, 0.0))
        return offset != committed or time.monotonic() > at_s + COMMIT_AGAIN_S

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Commit `offsets`, but for those of a partition whose topic has changed since they were chosen."""
        processed = self.ledger.positions()
        positions = {
            tp: Position(self._topic_ids[tp], offset)
            for tp, offset in offsets.items()
            if tp in self._topic_ids and offset <= processed.get(tp, -1)
        }
        epoch, now_s = self.ledger.epoch, time.monotonic()
        if not positions or not await self._thread.commit_positions(positions):
            return False
        if epoch == self.ledger.epoch:
            same = {tp: at for tp, at in positions.items() if self._topic_ids.get(tp) == at.topic_id}
            self._sent.update({tp: (at.offset, now_s) for tp, at in same.items()})
        return True

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing: gaps left by compaction or transactions don't matter to the ledger."""

    async def wait_empty(self) -> None:
        """Let the chunks in flight finish, for DRAIN_S, then commit: called at a rebalance and at the stop."""
        if not await self.ledger.wait_idle(DRAIN_S):
            self.log.warning("chunks in flight were not done after %s s; they will be read again", DRAIN_S)
        try:
            async with asyncio.timeout(DRAIN_S):
                await self.commit()
        except TimeoutError:
            self.log.warning("offsets could not be committed within %s s; what lies behind is read again", DRAIN_S)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Start a new epoch: positions of the former assignment are committed or given up."""
        self.ledger.new_epoch()
        for known in (self._topic_ids, self._issued, self._sent):
            known.clear()
        await super().on_partitions_assigned(assigned, generation_id)


class ChunkTransport(driver.Transport):
    """Faust's aiokafka transport with the chunked consumer."""

    Consumer = ChunkConsumer
    isolation_level = "read_committed"
