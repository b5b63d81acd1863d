"""The score role: `ingest` → one matrix product per chunk → `predictions`, or `dead-letters` for what can't be read."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import faust
import structlog

from relearn.agents.kafka.generations import Generations
from relearn.agents.kafka.producer import KafkaProducer, Receipt
from relearn.agents.kafka.topics import check_log_append_time
from relearn.agents.models.feed import attach_model_feed
from relearn.agents.models.live import LiveModel, Served
from relearn.agents.score.chunk import ScoredChunk, blocks_of, score_chunk
from relearn.agents.score.dlq_limit import DlqLimit
from relearn.agents.stores.pauses import Pauses
from relearn.agents.stores.postgres import Pool, open_pool
from relearn.agents.worker.app import make_app
from relearn.agents.worker.driver import Chunk, chunk_topic
from relearn.agents.worker.heartbeat import WorkerState, attach_heartbeat
from relearn.agents.worker.loop import Receipts, process_chunks
from relearn.agents.worker.readiness import attach_readiness
from relearn.agents.worker.retry import Stopping, retry_until_available, wait_until
from relearn.agents.worker.watchdog import attach_watchdog
from relearn.schemas.messages.dead_letters import dead_letter_headers, dead_letters
from relearn.schemas.messages.headers import cloud_event
from relearn.schemas.messages.predictions import CE_TYPE, encode_block
from relearn.schemas.messages.records import Reject
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name

T = TypeVar("T")
log = structlog.get_logger()

#: Chunks whose blocks may wait for the broker's acknowledgement while the next one is scored.
IN_FLIGHT = 4


def build(settings: Settings, worker_id: str | None) -> faust.App:
    """The Faust app of one score worker."""
    app = make_app(settings, "score", worker_id)
    live = LiveModel()
    state = WorkerState(worker_id or "score", "score", live=live)
    feed = attach_model_feed(app, settings, live)
    scorer = Scorer(settings, state, live, stop=lambda: app.should_stop or app.rebalancing)

    def holds_a_model() -> bool:
        return feed.caught_up.is_set() and live.current is not None

    async def score_ingest(stream: Any) -> None:
        async def handle(chunk: Chunk) -> Receipts:
            await wait_until(holds_a_model, stop=scorer.stop)
            return await scorer.handle(chunk)

        await process_chunks(app, stream, handle, in_flight=IN_FLIGHT)

    app.agent(chunk_topic(app, topic_name(settings.namespace, "ingest")))(score_ingest)
    attach_readiness(app, state, waiting_for="a first model", holds=holds_a_model)
    attach_heartbeat(app, settings, state)
    attach_watchdog(app, state)
    app.on_before_shutdown.connect(scorer.close, weak=False)
    return app


@dataclass(frozen=True, slots=True)
class Opened:
    """What is open while the worker works."""

    pool: Pool
    producer: KafkaProducer
    generations: Generations
    pauses: Pauses


class Scorer:
    """What the score agent works with, opened when its first chunk comes."""

    def __init__(self, settings: Settings, state: WorkerState, live: LiveModel, *, stop: Callable[[], bool]) -> None:
        self.stop = stop
        self._settings = settings
        self._state = state
        self._live = live
        self._source = f"/{settings.namespace}/{state.id}"
        self._dlq_limit = DlqLimit(settings.dlq_max_share, settings.dlq_min_records)
        self._opened: Opened | None = None

    async def handle(self, chunk: Chunk) -> Receipts:
        """Score one chunk and hand its blocks and dead letters to the broker; the receipts are its acknowledgements."""
        opened = self._opened or await self._open()
        generation = await self._until_available(
            lambda: opened.generations.current(chunk.ledger.epoch), "Kafka and Postgres"
        )
        began = time.perf_counter()
        served = await self._live.loaded()
        shadow = self._live.shadow
        scored = score_chunk(chunk.records, served, shadow)
        records, bad = len(scored.records) + len(scored.rejects), len(scored.rejects)
        if self._dlq_limit.would_exceed(records, bad):
            await self._pause(opened.pauses, records, scored.rejects)
        self._dlq_limit.add(records, bad)
        receipts = await self._send(opened.producer, scored, served, generation)
        self._state.records += records
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

    async def _send(
        self, producer: KafkaProducer, scored: ScoredChunk, served: Served, generation: int
    ) -> list[asyncio.Future[Receipt]]:
        now_s, namespace = time.time(), self._settings.namespace
        receipts = [
            await producer.send(
                topic_name(namespace, "predictions"),
                encode_block(block),
                partition=block.partition,
                headers=cloud_event(CE_TYPE, self._source, now_s=now_s),
            )
            for block in blocks_of(scored, served, generation=generation, scored_at=now_s)
        ]
        if scored.rejects:
            reasons = Counter(reject.fault.reason for reject in scored.rejects)
            latest = scored.rejects[-1]
            log.info("dead_letters", **dict(reasons), latest=latest.fault.detail, offset=latest.message.offset)
        for letter in dead_letters(scored.rejects, agent="score", generation=generation, now_s=now_s):
            headers = dead_letter_headers(letter, self._source)
            topic = topic_name(namespace, "dead-letters")
            receipts.append(await producer.send(topic, letter.value, key=letter.key, headers=headers))
        return receipts

    async def _open(self) -> Opened:
        """Check the topic, connect, and wait until the role isn't paused."""
        ingest = topic_name(self._settings.namespace, "ingest")
        await self._until_available(lambda: check_log_append_time(self._settings, ingest), "Kafka")
        pool = await open_pool(self._settings, size=1)
        producer = KafkaProducer(self._settings, self._state.id)
        self._opened = Opened(pool, producer, Generations(self._settings, pool, ingest), Pauses(pool))
        await self._stand_still(self._opened.pauses)
        return self._opened

    async def close(self, *_: Any, **__: Any) -> None:
        """Flush what was handed over, and disconnect."""
        if self._opened is not None:
            await self._opened.producer.close()
            self._opened.pool.terminate()

    async def _pause(self, pauses: Pauses, records: int, rejects: Sequence[Reject]) -> None:
        """Pause the role before this chunk's rejects are diverted, until a person has looked."""
        total, bad = self._dlq_limit.records + records, self._dlq_limit.bad + len(rejects)
        fault = rejects[-1].fault
        reason = f"{bad} of the last {total} records are bad; the latest: {fault.reason}: {fault.detail}"
        await self._until_available(lambda: pauses.begin(reason), "Postgres")
        await self._stand_still(pauses)
        self._dlq_limit.clear()

    async def _stand_still(self, pauses: Pauses) -> None:
        """Return when the role isn't paused. Meanwhile the worker stays up, says so, and offsets stand still."""
        reason = await self._until_available(pauses.current, "Postgres")
        if reason is None:
            return
        log.error("paused", reason=reason, next="look at `relearn dlq list`, then `relearn dlq resume`")
        with self._state.meanwhile(f"paused: {reason}; resume with `relearn dlq resume`"):
            while await self._until_available(pauses.current, "Postgres") is not None:
                if self.stop():
                    raise Stopping
                await asyncio.sleep(0.5)
        log.info("resumed")

    async def _until_available(self, call: Callable[[], Awaitable[T]], what: str) -> T:
        return await retry_until_available(call, what=what, stop=self.stop, state=self._state)
