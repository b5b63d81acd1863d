"""One chunk of `predictions`: decode its blocks, and send a message for each record in them to `results`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import structlog

from relearn.agents.availability.open_once import OpenOnce
from relearn.agents.availability.retry import Retry
from relearn.agents.kafka.producer import Acknowledged, KafkaProducer
from relearn.agents.worker.consumer import Chunk
from relearn.agents.worker.loop import Receipts
from relearn.agents.worker.state import WorkerState
from relearn.schemas.errors import BadMessage, RejectedMessage
from relearn.schemas.messages.predictions import Block, decode_block
from relearn.schemas.messages.records import RawMessage, check_readable
from relearn.schemas.messages.results import ResultMessage, ResultWire, encode_json, result_messages
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name

log = structlog.get_logger()

#: Chunks whose results may wait for the broker's acknowledgement while the next one is encoded.
IN_FLIGHT = 2
_NOTICE = "results"
# What a Java producer would choose for the same key, so that streams about one subject can be joined.
_PRODUCER = {"compression.type": "lz4", "partitioner": "murmur2_random", "linger.ms": 5}


class _Opened(NamedTuple):
    """What a results worker opens, and how values are written."""

    producer: KafkaProducer
    encode: Callable[[ResultWire], bytes]


class ResultSender:
    """The handler of the results agent. Nothing is opened before its first chunk."""

    def __init__(self, settings: Settings, state: WorkerState, *, stop: Callable[[], bool]) -> None:
        self._settings = settings
        self._state = state
        self._retry = Retry(state, stop)
        self._opened = OpenOnce(self._open)
        self._topic = topic_name(settings.namespace, "results")
        self._source = f"/{settings.namespace}/results"

    async def take(self, chunk: Chunk) -> Receipts:
        """Hand the results of one chunk to the broker; the receipts are its acknowledgements, one per block.

        Raises:
            KafkaUnavailable, SetupError: retryable.
            Stopping: asked to stop while the schema registry is unavailable.
        """
        opened = await self._retry.until_available(self._opened.get, "the schema registry")
        began, records = time.perf_counter(), 0
        receipts: list[Awaitable[Any]] = []
        for block in self._blocks(chunk.records):
            receipts.append(await self._send(opened, block))
            records += len(block)
        self._state.records += records
        log.debug("results_sent", records=records, ms=round(1000 * (time.perf_counter() - began), 2))
        return receipts

    async def _open(self) -> _Opened:
        encode = encode_json
        if self._settings.results == "avro":
            from relearn.agents.results.avro import avro_encoder  # noqa: PLC0415 - the registry's client is optional

            encode = await asyncio.to_thread(avro_encoder, self._settings, self._topic)
        return _Opened(KafkaProducer(self._settings, self._state.id, config=_PRODUCER), encode)

    def _messages(self, opened: _Opened, block: Block) -> Iterator[ResultMessage]:
        return result_messages(block, source=self._source, now_s=time.time(), encode=opened.encode)

    async def _send(self, opened: _Opened, block: Block) -> Awaitable[Any]:
        try:
            outcome = await opened.producer.send_all(self._topic, self._messages(opened, block))
        except RejectedMessage:
            return _Receipt(self, opened, block, None)
        return _Receipt(self, opened, block, outcome)

    async def send_each(self, opened: _Opened, block: Block) -> None:
        """Send the results of a block one by one: one of them was refused. What is refused alone is left out.

        Raises:
            KafkaUnavailable, SetupError: retryable.
        """
        for message in self._messages(opened, block):
            key, value, headers = message
            try:
                await (await opened.producer.send(self._topic, value, key=key, headers=headers))
            except RejectedMessage as exc:
                log.warning("result_refused", error=str(exc), bytes=len(message.value), value=message.value[:200])
                self._state.notices.set(_NOTICE, f"a result is not sent, since the broker refuses it: {exc}")

    def _blocks(self, messages: Sequence[RawMessage]) -> Iterator[Block]:
        """The blocks that can be stored. The store worker makes dead letters of the other messages."""
        for message in messages:
            try:
                block = _decode(message)
            except BadMessage as exc:
                place = {"partition": message.partition, "offset": message.offset}
                log.warning("block_without_results", reason=exc.reason, error=exc.detail[:500], **place)
                self._state.notices.set(_NOTICE, f"a block of predictions can't be read and has no results: {exc}")
            else:
                yield block

    async def close(self, *_: Any, **__: Any) -> None:
        """Flush the producer, and disconnect."""
        if self._opened.value is not None:
            await self._opened.value.producer.close()


def _decode(message: RawMessage) -> Block:
    check_readable(message)
    block = decode_block(message.value)
    if not np.isfinite(block.margins).all():
        raise BadMessage("not-finite", "a margin that isn't a finite number")
    return block


@dataclass(slots=True)
class _Receipt(Acknowledged):
    """Awaits the acknowledgement of all results of a block; sends them one by one where the broker refuses one."""

    sender: ResultSender
    opened: _Opened
    block: Block
    outcome: asyncio.Future[int] | None

    def __await__(self) -> Generator[Any, None, None]:
        return self._settled().__await__()

    async def _settled(self) -> None:
        try:
            if self.outcome is not None:
                await self.outcome
                return
        except RejectedMessage as exc:
            log.info("results_refused", error=str(exc), records=len(self.block))
        await self.sender.send_each(self.opened, self.block)
