"""Topics that were deleted and created again, noticed where a consumer reads: offsets begin at 0 again.

aiokafka fetches by name. `ReadingClient` is between aiokafka's client and its fetcher and coordinator: each fetch names
the topic's id, each committed offset has the id as its metadata, and a position that can't be read any more becomes a
`Jump`. The chunks carry the id; `agents.stores.topic_generations` gives it its generation, and
`agents.worker.offset_watch` shows jumps as notices. Runs in the consumer's thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import structlog
from aiokafka.consumer.fetcher import OffsetResetStrategy
from aiokafka.protocol.commit import OffsetCommitRequest, OffsetFetchRequest
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.structs import TopicPartition

from relearn.agents.kafka.protocol import (
    FETCH_BY_ID,
    FETCH_BY_NAME,
    INCONSISTENT_TOPIC_ID,
    UNKNOWN_TOPIC,
    UNKNOWN_TOPIC_ID,
    FetchResponse,
    IdentifiedFetchRequest,
    TopicIdsRequest,
    as_by_name,
)

log = structlog.get_logger()

_RETRY_S = 0.1
_MISSING_RETRY_S = 0.5
_OFFSET_OUT_OF_RANGE = 1
_NO_OFFSET = -1
#: The metadata of a committed offset: this, the topic's id, and NUL. confluent-kafka reads metadata as a C string, but
#: librdkafka copies it without an end.
_MARK = "topic "
_END = "\0"

Why = Literal["recreated", "deleted", "truncated"]


@dataclass(frozen=True, slots=True)
class Jump:
    """Reading of a partition continues elsewhere: the next wanted offset was `position`, of the topic `former_id`.

    `why`: the topic was created again, records were deleted, or the log ended before `position`. `end`: the last known
    end of the log that `position` belongs to, None if unknown. `resumed`: the first offset that is read instead, under
    `topic_id`; None where the topic was created again, whose first offset is read.
    """

    topic: str
    partition: int
    why: Why
    former_id: str
    topic_id: str
    position: int
    end: int | None = None
    resumed: int | None = None

    @property
    def lost(self) -> int | None:
        """How many offsets were never read, as far as known. Offsets of control records count as well."""
        if self.why == "deleted" and self.resumed is not None:
            return self.resumed - self.position
        if self.why == "recreated" and self.end is not None:
            return max(0, self.end - self.position)
        return None if self.why == "recreated" else 0


class ReadingClient:
    """aiokafka's client `client` for the fetcher and the coordinator of one consumer, and its `subscription`."""

    def __init__(self, client: Any, subscription: Any) -> None:
        #: The topic id under which each partition's position is read.
        self.ids: dict[TopicPartition, str] = {}
        #: The number of partitions of each topic at the last check; 0: there is no such topic.
        self.sizes: dict[str, int] = {}
        self._client = client
        self._subscription = subscription
        self._current: dict[str, str] = {}
        self._assignment: Any = None
        self._out_of_range: dict[TopicPartition, tuple[int, int | None]] = {}
        self._jumps: list[Jump] = []
        self._updating: asyncio.Task[bool] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def force_metadata_update(self) -> asyncio.Future[bool]:
        """Update the metadata; the result, False if no broker answered, is known after a pause in that case.

        aiokafka's fetcher requests an update while a partition has no known leader, and again as soon as one has
        failed: without the pause it used half a core, and wrote 900 lines a second to the log, while the only broker
        was away.
        """
        if self._updating is None or self._updating.done():
            self._updating = asyncio.ensure_future(self._update())
        return asyncio.shield(self._updating)

    async def _update(self) -> bool:
        updated: bool = await self._client.force_metadata_update()
        if not updated:
            await asyncio.sleep(_RETRY_S)
        return updated

    @property
    def missing(self) -> frozenset[str]:
        """The topics that don't exist, as of the last check."""
        return frozenset(topic for topic, size in self.sizes.items() if not size)

    def take_jumps(self) -> list[Jump]:
        """The jumps since the last call, in order."""
        jumps, self._jumps = self._jumps, []
        return jumps

    async def check(self, topics: Iterable[str], node_id: int | None = None) -> None:
        """Read the current ids of `topics`. Partitions that are read under another id change at their next fetch.

        Raises:
            aiokafka.errors.KafkaError: no broker answers.
        """
        node_id = self._client.get_random_node() if node_id is None else node_id
        response = await self._client.send(node_id, TopicIdsRequest(list(topics)))
        for error_code, name, topic_id, _, partitions, *_ in response.topics:
            if error_code == UNKNOWN_TOPIC:
                self._current.pop(name, None)
                self.sizes[name] = 0
            elif not error_code:
                self._current[name] = topic_id
                self.sizes[name] = len(partitions)

    async def send(self, node_id: int, request: Any, **options: Any) -> Any:
        """Send `request`, and check topic ids in the response."""
        if self._subscription.subscription is not None:
            self._note_assignment(self._subscription.subscription.assignment)
        if isinstance(request, FetchRequest):
            return await self._fetch(node_id, request, options)
        response = await self._client.send(node_id, request, **options)
        if isinstance(request, OffsetFetchRequest):
            await self._check_committed(node_id, response)
        elif isinstance(request, OffsetCommitRequest):
            _forgive_missing_topics(response)
        return response

    def _note_assignment(self, assignment: Any) -> None:
        if assignment is not self._assignment:
            self._assignment = assignment
            self.ids.clear()
            self._out_of_range.clear()

    async def _check_committed(self, node_id: int, response: Any) -> None:
        """Make offsets unknown that were committed for another topic of the same name."""
        rows = [(topic, row, topic_id_of(row[2])) for topic, partitions in response.topics for row in partitions]
        unsure = {
            topic for topic, _, known in rows if self._current.get(topic) is None or known not in self._same(topic)
        }
        if unsure:
            await self.check(unsure, node_id)
        checked: dict[str, list[tuple[Any, ...]]] = {}
        for topic, (partition, offset, metadata, error_code), known in rows:
            tp, current = TopicPartition(topic, partition), self._current.get(topic)
            former = known is not None and current is not None and known != current
            if former and offset >= 0 and self.ids.get(tp) != current:
                self._jumps.append(Jump(topic, partition, "recreated", str(known), str(current), offset))
            if not error_code and (known or current):
                self.ids.setdefault(tp, str(current or known))
            checked.setdefault(topic, []).append((partition, _NO_OFFSET if former else offset, metadata, error_code))
        response.topics = list(checked.items())

    def _same(self, topic: str) -> set[str | None]:
        """The ids in an offset's metadata that name the topic of today."""
        return {None, self._current.get(topic)}

    async def _fetch(self, node_id: int, request: FetchRequest, options: Mapping[str, Any]) -> Any:
        assignment = self._assignment
        unknown = {topic for topic, _ in request.topics} - self._current.keys()
        if unknown:
            await self.check(unknown, node_id)
        wanted = self._readable(assignment, request)
        if not wanted:
            await asyncio.sleep(_MISSING_RETRY_S if self.missing else _RETRY_S)
            return FetchResponse(FETCH_BY_NAME, [])
        ids = {(topic, row[0]): self.ids[TopicPartition(topic, row[0])] for topic, rows in wanted for row in rows}
        plain = FetchRequest(
            request._max_wait_ms,
            request._min_bytes,
            request._max_bytes,
            request._isolation_level,
            wanted,
            request._rack_id,
        )
        response = await self._client.send(node_id, IdentifiedFetchRequest(plain, ids), **options)
        offsets = {TopicPartition(topic, row[0]): row[1] for topic, rows in wanted for row in rows}
        if response.API_VERSION < FETCH_BY_ID:
            await self.check({topic for topic, _ in wanted}, node_id)  # the ids hold before and after the fetch
            found = [
                (topic, [row for row in rows if self._current.get(topic) == ids[topic, row[0]]])
                for topic, rows in response.topics
            ]
            return (await self._checked(found, offsets, assignment))._replace(API_VERSION=response.API_VERSION)
        names = {topic_id: topic for (topic, _), topic_id in ids.items()}
        found = [(names[topic_id], list(map(as_by_name, rows))) for topic_id, rows, _ in response.topics]
        return await self._checked(found, offsets, assignment)

    def _readable(self, assignment: Any, request: FetchRequest) -> list[tuple[str, list[tuple[int, int, int]]]]:
        """The partitions of `request` to fetch under their ids. Those of a new topic are reset to its beginning."""
        wanted = []
        for topic, partitions in request.topics:
            current = self._current.get(topic)
            rows = []
            for partition, offset, max_bytes in partitions:
                tp = TopicPartition(topic, partition)
                if current is None:
                    continue
                if self.ids.setdefault(tp, current) != current:
                    self._recreate(assignment, tp, offset, current)
                    continue
                self._note_resumed(tp, offset)
                rows.append((partition, offset, max_bytes))
            if rows:
                wanted.append((topic, rows))
        return wanted

    def _recreate(self, assignment: Any, tp: TopicPartition, offset: int, current: str) -> None:
        """Read `tp` from the beginning of the topic with the id `current`."""
        state = assignment.state_value(tp) if assignment is not None else None
        if state is None or not state.has_valid_position or state.position != offset:
            return
        self._jumps.append(Jump(tp.topic, tp.partition, "recreated", self.ids[tp], current, offset, _end(state)))
        self.ids[tp] = current
        self._out_of_range.pop(tp, None)
        state.highwater = state.lso = None
        state.await_reset(OffsetResetStrategy.EARLIEST)

    def _note_resumed(self, tp: TopicPartition, offset: int) -> None:
        """Report that `tp` is read from `offset` on, after another position, which was out of range."""
        position, end = self._out_of_range.get(tp, (offset, None))
        if offset == position:
            return
        del self._out_of_range[tp]
        why: Why = "deleted" if offset > position else "truncated"
        own = self.ids[tp]
        self._jumps.append(Jump(tp.topic, tp.partition, why, own, own, position, end, offset))

    async def _checked(
        self, found: list[tuple[str, list[Any]]], offsets: Mapping[TopicPartition, int], assignment: Any
    ) -> FetchResponse:
        """The response without partitions of unknown topics, whose ids are read again before the next fetch."""
        kept, stale = [], set()
        for topic, rows in found:
            readable = []
            for row in rows:
                tp, error_code = TopicPartition(topic, row[0]), row[1]
                if error_code in {UNKNOWN_TOPIC_ID, INCONSISTENT_TOPIC_ID, UNKNOWN_TOPIC}:
                    stale.add(topic)
                    continue
                if error_code == _OFFSET_OUT_OF_RANGE and tp in offsets:
                    state = assignment.state_value(tp) if assignment is not None else None
                    self._out_of_range[tp] = (offsets[tp], None if state is None else _end(state))
                elif not error_code:
                    self._out_of_range.pop(tp, None)  # the position can be read by now
                readable.append(row)
            kept.append((topic, readable))
        if stale:
            for topic in stale:
                self._current.pop(topic, None)
            self._client.force_metadata_update()
            await asyncio.sleep(_RETRY_S)
        return FetchResponse(FETCH_BY_NAME, kept)


def committed_metadata(topic_id: str | None) -> str:
    """The metadata of an offset committed for the topic with this id."""
    return "" if topic_id is None else _MARK + topic_id + _END


def topic_id_of(metadata: str | None) -> str | None:
    """The topic id in an offset's metadata; None where another program committed it."""
    own = metadata is not None and metadata.startswith(_MARK)
    return metadata.removeprefix(_MARK).removesuffix(_END) if metadata is not None and own else None


def _forgive_missing_topics(response: Any) -> None:
    """Take the commit of an offset of a deleted topic as done. aiokafka would repeat it until the topic is back."""
    response.topics = [
        (topic, [(row[0], 0 if row[1] == UNKNOWN_TOPIC else row[1]) for row in rows]) for topic, rows in response.topics
    ]


def _end(state: Any) -> int | None:
    """The last known end of a partition's log, open transactions included."""
    return None if state.highwater is None else int(state.highwater)
