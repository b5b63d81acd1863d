"""Scoring one chunk: decode, score, check the limit on dead letters, and hand blocks and dead letters to the broker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog

from relearn.agents.availability.open_once import OpenOnce
from relearn.agents.availability.retry import Retry
from relearn.agents.foreign.intake import Intake
from relearn.agents.kafka.connections import Connections, connect
from relearn.agents.kafka.topics import check_log_append_time
from relearn.agents.models.live import LiveModel
from relearn.agents.models.reading import Reading, reading_of
from relearn.agents.score.block_partition import BlockPartition
from relearn.agents.score.block_sender import BlockSender
from relearn.agents.score.dead_letter_share import DeadLetterLimit
from relearn.agents.score.pause import LOOK_EVERY_S, Pause
from relearn.agents.score.score_records import ScoredChunk, blocks_of, score_parts
from relearn.agents.stores.pauses import Pauses
from relearn.agents.worker.consumer import Chunk
from relearn.agents.worker.loop import Receipts
from relearn.agents.worker.state import WorkerState
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name

log = structlog.get_logger()

#: Chunks whose blocks may wait for the broker's acknowledgement while the next one is scored.
IN_FLIGHT = 4


@dataclass(frozen=True, slots=True)
class Opened:
    """What a score worker opens."""

    connections: Connections
    blocks: BlockSender
    pause: Pause


class Scorer:
    """The handler of the score agent. Nothing is opened before its first chunk."""

    def __init__(self, settings: Settings, state: WorkerState, live: LiveModel, *, stop: Callable[[], bool]) -> None:
        self.stop = stop
        self._settings = settings
        self._state = state
        self._live = live
        self._retry = Retry(state, stop)
        self._limit = DeadLetterLimit(settings.dlq_max_share, settings.dlq_min_records)
        self._intake = Intake(settings, state.notices, self._retry)
        self._opened = OpenOnce(self._open)

    async def score(self, chunk: Chunk) -> Receipts:
        """Score one chunk and hand its blocks and dead letters to the broker; the receipts are its acknowledgements.

        Raises:
            Stopping: asked to stop, or to give up the partitions, while a server is unavailable or the role is paused.
            SetupError: the mapping lacks a feature of the model.
        """
        opened = await self._opened.get()
        if await opened.pause.wait():
            self._limit.clear()
        generation = await self._retry.until_available(
            lambda: opened.connections.generations.of(chunk.topic, chunk.topic_id)
        )
        began = time.perf_counter()
        served = await self._live.loaded()
        reading = reading_of(self._live, served)
        shadow, versions = reading.shadow, reading.versions
        ignored_before = 0 if versions is None else versions.ignored
        receipts: list[Awaitable[Any]] = []
        records = bad = 0
        self._intake.check(reading.schema.names, () if versions is None else versions.defaults)
        skipped_before = self._intake.skipped
        async for messages in self._intake.parts(chunk.records):
            for scored in score_parts(messages, reading, self._intake.reader):
                await self._check_limit(opened, scored)
                receipts += await self._send(opened, chunk, scored, reading, generation)
                records += len(scored.records) + len(scored.rejects)
                bad += len(scored.rejects)
                self._state.unseen += scored.unseen
        self._state.records += records
        self._state.skipped += self._intake.skipped - skipped_before
        self._state.ignored += (0 if versions is None else versions.ignored) - ignored_before
        log.debug(
            "chunk_scored",
            records=records,
            dead_letters=bad,
            model=served.model.version,
            activation=served.activation,
            shadow=shadow.model.version if shadow else None,
            ms=round(1000 * (time.perf_counter() - began), 2),
        )
        return receipts

    async def watch_pause(self, stop: Callable[[], bool]) -> None:
        """Until `stop()`: look whether another worker has paused the role. Nothing is opened for that."""
        while not stop():
            if self._opened.value is not None:
                await self._opened.value.pause.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _check_limit(self, opened: Opened, scored: ScoredChunk) -> None:
        """Pause the role before the rejects of this part are sent, if too many are bad, until a person has looked."""
        bad = self._limit.bad_of(scored.rejects)
        records = len(scored.records) + bad
        if self._limit.would_exceed(records, bad):
            await opened.pause.begin(self._limit.records + records, self._limit.bad + bad, scored.rejects[-1].fault)
            self._limit.clear()
        self._limit.add(records, bad)

    async def _send(
        self, opened: Opened, chunk: Chunk, scored: ScoredChunk, reading: Reading, generation: int
    ) -> Receipts:
        receipts: list[Awaitable[Any]] = []
        limit_bytes = await opened.blocks.limit_bytes()
        for block in blocks_of(scored, reading, generation=generation, scored_at=time.time(), limit_bytes=limit_bytes):
            receipts += await opened.blocks.send(block, chunk.records)
        return [*receipts, *await opened.connections.dead_letters.send(scored.rejects, generation)]

    async def _open(self) -> Opened:
        """Check the topic, and connect."""
        settings, ingest = self._settings, topic_name(self._settings.namespace, "ingest")
        await self._retry.until_available(lambda: check_log_append_time(settings, ingest), "Kafka")
        connections = await connect(settings, self._state.id, self._retry, agent="score", pool_size=1)
        predictions = topic_name(settings.namespace, "predictions")
        partition = BlockPartition(lambda: connections.producer.count_partitions(predictions), self._state.notices)
        blocks = BlockSender(connections, self._retry, predictions, partition)
        return Opened(connections, blocks, Pause(Pauses(connections.pool), self._retry, self._state))

    async def close(self, *_: Any, **__: Any) -> None:
        """Flush the producer, and disconnect."""
        if self._opened.value is not None:
            await self._opened.value.connections.close()
