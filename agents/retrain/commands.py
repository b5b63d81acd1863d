"""The retrain agent: each message of `commands` → its job in Postgres, or a dead letter."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from typing import Any

import structlog

from relearn.agents.kafka.generations import Generations
from relearn.agents.kafka.producer import KafkaProducer
from relearn.agents.retrain.context import RetrainContext
from relearn.agents.retrain.execute import execute_command
from relearn.agents.worker.driver import Chunk
from relearn.agents.worker.loop import Receipts
from relearn.schemas.errors import BadMessage, BadRow
from relearn.schemas.messages.commands import decode_command
from relearn.schemas.messages.dead_letters import dead_letter_headers, dead_letters
from relearn.schemas.messages.records import Fault, RawMessage, Reject
from relearn.schemas.topics import topic_name

log = structlog.get_logger()


class CommandHandler:
    """Takes commands as they come, also while a training runs."""

    def __init__(self, context: RetrainContext) -> None:
        self._context = context
        self._letters: tuple[KafkaProducer, Generations] | None = None

    async def take(self, chunk: Chunk) -> Receipts:
        """Write the jobs of one chunk's commands, in order; the receipts are those of dead letters.

        Raises:
            Stopping: asked to stop while a server is away; the chunk is read again.
        """
        await self._context.caught_up()
        receipts: list[Awaitable[Any]] = []
        for message in chunk.records:
            try:
                await self._obey(message)
            except (BadMessage, BadRow) as exc:
                receipts += await self._refuse(message, exc, chunk.ledger.epoch)
            self._context.state.records += 1
        self._context.new_jobs.set()
        self._context.new_activations.set()
        return receipts

    async def _obey(self, message: RawMessage) -> None:
        desk, command = self._context, decode_command(message.value)
        pool = await desk.pool()
        new = await desk.until_available(lambda: execute_command(pool, command, desk.signing, above=desk.above()))
        log.info("command", id=command.id, command=command.command, version=command.version, new=new)

    async def _refuse(self, message: RawMessage, exc: BadMessage | BadRow, epoch: int) -> Receipts:
        desk, topic = self._context, topic_name(self._context.settings.namespace, "dead-letters")
        producer, generations = await self._open_letters()
        generation = await desk.until_available(lambda: generations.current(epoch))
        reason, detail = (exc.reason, exc.detail) if isinstance(exc, BadMessage) else ("invalid", str(exc))
        log.info("dead_letter", reason=reason, error=detail, offset=message.offset)
        reject = Reject(message, Fault(0, reason, detail))
        return [
            await producer.send(topic, letter.value, key=letter.key, headers=dead_letter_headers(letter, desk.source))
            for letter in dead_letters([reject], agent="retrain", generation=generation, now_s=time.time())
        ]

    async def _open_letters(self) -> tuple[KafkaProducer, Generations]:
        if self._letters is None:
            desk = self._context
            commands = topic_name(desk.settings.namespace, "commands")
            generations = Generations(desk.settings, await desk.pool(), commands)
            self._letters = KafkaProducer(desk.settings, desk.state.id), generations
        return self._letters

    async def close(self) -> None:
        """Flush the dead letters."""
        if self._letters is not None:
            await self._letters[0].close()
