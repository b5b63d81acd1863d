"""The retrain agent: each message of `commands` → its job in Postgres, or a dead letter."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, NamedTuple

import structlog

from relearn.agents.availability.open_once import OpenOnce
from relearn.agents.availability.retry import Retry
from relearn.agents.kafka.dead_letter_sink import DeadLetterSink
from relearn.agents.kafka.limits import STALE_S
from relearn.agents.kafka.producer import KafkaProducer
from relearn.agents.retrain.context import RetrainContext
from relearn.agents.retrain.execute import execute_command
from relearn.agents.stores.topic_generations import Generations
from relearn.agents.worker.consumer import Chunk
from relearn.agents.worker.loop import Receipts
from relearn.schemas.errors import BadMessage, BadRow
from relearn.schemas.messages.commands import decode_command
from relearn.schemas.messages.records import Fault, RawMessage, Reject, check_readable

log = structlog.get_logger()


class CommandHandler:
    """The handler of the retrain agent. It takes commands while a training runs, too."""

    def __init__(self, context: RetrainContext) -> None:
        self._context = context
        self._refusals = OpenOnce(self._open_refusals)
        self._generations: Generations | None = None

    async def take(self, chunk: Chunk) -> Receipts:
        """Write the jobs of one chunk's commands, in order; the receipts are those of dead letters.

        Raises:
            Stopping: asked to stop while a server is unavailable; the chunk is read again.
        """
        await self._context.caught_up()
        generation = await self._generation(chunk)
        receipts: list[Awaitable[Any]] = []
        for message in chunk.records:
            try:
                await self._execute(message)
            except (BadMessage, BadRow) as exc:
                receipts += await self._refuse(message, exc, generation)
            self._context.state.records += 1
        self._context.new_jobs.set()
        self._context.new_activations.set()
        return receipts

    async def _execute(self, message: RawMessage) -> None:
        check_readable(message)
        context, command = self._context, decode_command(message.value)
        pool = await context.pool()
        await context.read_limit(max_age_s=STALE_S)
        new = await context.until_available(
            lambda: execute_command(pool, command, context.signing, above=context.above())
        )
        log.info("command", id=command.id, command=command.command, version=command.version, new=new)

    async def _generation(self, chunk: Chunk) -> int:
        """The generation of the topic that the chunk was read from: one that was created again is registered here."""
        known = self._generations = self._generations or Generations(await self._context.pool())
        return await self._context.until_available(lambda: known.of(chunk.topic, chunk.topic_id))

    async def _refuse(self, message: RawMessage, exc: BadMessage | BadRow, generation: int) -> Receipts:
        refusals = await self._refusals.get()
        reason, detail = (exc.reason, exc.detail) if isinstance(exc, BadMessage) else ("invalid", str(exc))
        return await refusals.dead_letters.send([Reject(message, Fault(0, reason, detail))], generation)

    async def _open_refusals(self) -> _Refusals:
        context = self._context
        producer = KafkaProducer(context.settings, context.state.id)
        retry, pool = Retry(context.state, context.stop), await context.pool()
        sink = DeadLetterSink(
            producer, pool, context.limits, retry, context.settings.namespace, agent="retrain", source=context.source
        )
        return _Refusals(producer, sink)

    async def close(self) -> None:
        """Flush the dead letters."""
        if self._refusals.value is not None:
            await self._refusals.value.producer.close()


class _Refusals(NamedTuple):
    """What a refused command needs, opened when the first one comes."""

    producer: KafkaProducer
    dead_letters: DeadLetterSink
