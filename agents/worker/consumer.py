"""The chunked Kafka consumer of Faust: an agent gets all messages of one fetch as ONE event instead of one per message.

Faust runs two asyncio tasks per message, which is most of its time on a topic of small records. This subclass of its
aiokafka driver yields each fetch as one chunk per topic, bounded in bytes, over all partitions, and commits by its own
ledger (offset_ledger.py). Group membership, heartbeats, fetches and commits remain those of Faust and aiokafka.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import faust
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, AppT, ConsumerMessage, Message
from faust.types.topics import TopicT

from relearn.agents.worker.offset_ledger import Ledger, Ticket
from relearn.schemas.messages.records import RawMessage

#: Maximum size of the values in a chunk, unless it holds one message alone.
CHUNK_BYTES = 4 * 1024 * 1024
#: After a fetch of fewer records than SMALL_FETCH the next one waits PAUSE_S, so that a slow stream makes fewer chunks.
SMALL_FETCH = 1000
PAUSE_S = 0.005
NOTHING_ASSIGNED_S = 0.05
#: At a rebalance and at the end, chunks in flight may take this time to finish before their partitions are given up.
DRAIN_S = 5.0


class FetchWait(NamedTuple):
    """How long the broker may hold a fetch: until it has `min_bytes`, or for `max_wait_ms`."""

    min_bytes: int
    max_wait_ms: int


#: While records arrive. A slow stream comes in small batches instead of record by record.
BUSY = FetchWait(min_bytes=65_536, max_wait_ms=10)
#: After a poll without records. The first record ends the wait; an idle consumer costs two fetches a second, not 100.
IDLE = FetchWait(min_bytes=1, max_wait_ms=500)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Messages of one topic from one fetch, in offset order within each partition."""

    records: Sequence[RawMessage]
    size_bytes: int
    ledger: Ledger[TP]
    ticket: Ticket[TP]

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


def split_fetch(fetched: Mapping[TP, Sequence[RawMessage]]) -> Iterator[tuple[list[RawMessage], dict[TP, int], int]]:
    """One fetch as chunks of at most CHUNK_BYTES per topic: messages, the offset after each partition's last, bytes."""
    topics: dict[str, list[TP]] = {}
    for tp in fetched:
        topics.setdefault(tp.topic, []).append(tp)
    for partitions in topics.values():
        records: list[RawMessage] = []
        ends: dict[TP, int] = {}
        size_bytes = 0
        for tp in partitions:
            for record in fetched[tp]:
                length = len(record.value or b"")
                if records and size_bytes + length > CHUNK_BYTES:
                    yield records, ends, size_bytes
                    records, ends, size_bytes = [], {}, 0
                records.append(record)
                ends[tp] = record.offset + 1
                size_bytes += length
        if records:
            yield records, ends, size_bytes


class _PromptThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread with a shorter long poll than its fixed 1,500 ms.

    aiokafka has one fetch in flight per broker, without the partitions whose records it still holds. While only idle
    partitions are left to fetch, that fetch delays the busy ones by up to its `max_wait_ms`, which is short in `BUSY`.
    While all partitions are idle, the fetch contains them all, and the first record on any of them ends it.
    """

    def _create_worker_consumer(self, transport: driver.Transport) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_min_bytes, consumer._fetch_max_wait_ms = BUSY
        return consumer

    async def _fetch_records(self, consumer: Any, *args: Any, **kwargs: Any) -> Any:
        """The result of one poll, and the generation that it belongs to.

        The generation is read here, in the thread where assignments change. A poll may begin under one assignment,
        wait, and return records of the next one. With the former generation they would be dropped, although the
        position is behind them already. The next fetch starts after this method has returned (aiokafka sends none for
        a broker whose records are not consumed), so that it already has the new wait.
        """
        fetched = await super()._fetch_records(consumer, *args, **kwargs)
        fetcher = consumer._fetcher
        fetcher._fetch_min_bytes, fetcher._fetch_max_wait_ms = BUSY if fetched else IDLE
        return self.app.consumer_generation_id, fetched


class ChunkConsumer(driver.Consumer):
    """Faust's aiokafka consumer, one fetch at a time."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ledger: Ledger[TP] = Ledger()

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _PromptThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:  # noqa: ASYNC109 - Faust's signature
        """Yield the messages of the next fetch, one chunk per event."""
        if not self.flow_active:
            await self.wait(cast(Any, self.can_resume_flow))
        active = self._get_active_partitions()
        if not active:
            await self.sleep(NOTHING_ASSIGNED_S)
            return
        generation, fetched = cast(Any, await self._getmany(active_partitions=active, timeout=timeout))
        if not fetched or self.should_stop:
            return
        if not self.flow_active:
            await self._seek_back()
            return
        for records, ends, size_bytes in split_fetch(cast("Mapping[TP, Sequence[RawMessage]]", fetched)):
            # Chunks of a former assignment are dropped: the new one starts from the committed offsets.
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return
            self._track_highwater(ends)
            yield self._event(Chunk(records, size_bytes, self.ledger, self.ledger.issue(ends)))
        if sum(len(records) for records in fetched.values()) < SMALL_FETCH:
            await asyncio.sleep(PAUSE_S)

    async def _seek_back(self) -> None:
        try:
            await self.perform_seek()
        except Exception as exc:  # noqa: BLE001 - as Faust does: the assignment to come seeks again
            self.log.warning("could not seek back while stopped: %r", exc)

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
        await super().on_partitions_assigned(assigned, generation_id)


class ChunkTransport(driver.Transport):
    """Faust's aiokafka transport with the chunked consumer."""

    Consumer = ChunkConsumer
