"""Handing blocks to the broker. A record whose prediction `predictions` doesn't take becomes a dead letter.

The size is checked against the topic's limit before a block is sent, and again when the broker refuses one: the limit
was lowered meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from relearn.agents.availability.retry import Retry
from relearn.agents.kafka.connections import Connections
from relearn.agents.kafka.limits import STALE_S
from relearn.agents.kafka.producer import Acknowledged, Receipt
from relearn.agents.score.block_partition import BlockPartition
from relearn.agents.worker.loop import Receipts
from relearn.schemas.errors import KafkaUnavailable, TooLarge
from relearn.schemas.messages.headers import cloud_event, message_bytes
from relearn.schemas.messages.predictions import CE_TYPE, Block, encode_block
from relearn.schemas.messages.records import Fault, RawMessage, Reject
from relearn.schemas.topics import BLOCK_MAX_BYTES


@dataclass(frozen=True, slots=True)
class BlockSender:
    """Sends the blocks of one worker to `topic`."""

    connections: Connections
    retry: Retry
    topic: str
    partition: BlockPartition

    async def limit_bytes(self) -> int:
        """Maximum size of a block of several records."""
        return min(BLOCK_MAX_BYTES, await self.connections.limits.of(self.topic))

    async def send(self, block: Block, messages: Sequence[RawMessage]) -> Receipts:
        """Hand over one block, in pieces where it is too large; the receipts are acknowledgements.

        `messages` contains those of the block's records.
        """
        limit_bytes = await self.connections.limits.of(self.topic)
        receipts: list[Awaitable[Any]] = []
        for piece, value in fitting(block, limit_bytes):
            if value is None:
                receipts += await self._reject(piece, messages, limit_bytes)
            else:
                receipts.append(_BlockReceipt(self, piece, messages, await self._hand_over(piece, value)))
        return receipts

    async def resend(self, block: Block, messages: Sequence[RawMessage]) -> None:
        """Send a block that the broker has refused as too large, by the limit of this moment, and await the outcome.

        Raises:
            KafkaUnavailable, SetupError: retryable. Also if the limit was lowered once more.
        """
        try:
            for receipt in await self.send(block, messages):
                await (receipt.outcome if isinstance(receipt, _BlockReceipt) else receipt)
        except TooLarge as exc:
            await self.note_refusal(block)
            raise KafkaUnavailable(str(exc)) from exc

    async def note_refusal(self, block: Block) -> None:
        """The broker has refused `block` as too large."""
        await self.connections.limits.after_refusal(self.topic, block_message_bytes(encode_block(block)))

    async def _hand_over(self, block: Block, value: bytes) -> asyncio.Future[Receipt]:
        headers = cloud_event(CE_TYPE, self.connections.source, now_s=time.time())
        partition = await self.partition.of(block.partition)
        return await self.connections.producer.send(self.topic, value, partition=partition, headers=headers)

    async def _reject(self, block: Block, messages: Sequence[RawMessage], limit_bytes: int) -> Receipts:
        """A dead letter for the record of a block of one, unless the limit was raised meanwhile."""
        if await self.connections.limits.of(self.topic, max_age_s=STALE_S) > limit_bytes:
            return await self.send(block, messages)
        detail = (
            f"its prediction takes {block_message_bytes(encode_block(block)):,} bytes; "
            f"topic {self.topic} takes at most {limit_bytes:,}"
        )
        place = (block.partition, int(block.offsets[0]))
        message = next(one for one in messages if (one.partition, one.offset) == place)
        rejects = [Reject(message, Fault(int(block.indexes[0]), "too-large", detail))]
        return await self.connections.dead_letters.send(rejects, block.generation)


def fitting(block: Block, limit_bytes: int) -> Iterator[tuple[Block, bytes | None]]:
    """The block in pieces of at most `limit_bytes`, encoded. None: one record that doesn't fit."""
    value = encode_block(block)
    if block_message_bytes(value) <= limit_bytes:
        yield block, value
    elif len(block) > 1:
        for half in np.array_split(np.arange(len(block)), 2):
            yield from fitting(block.select(half), limit_bytes)
    elif block.shadow is not None:
        yield from fitting(replace(block, shadow=None), limit_bytes)
    else:
        yield block, None


def block_message_bytes(value: bytes) -> int:
    """Maximum size of a block's message."""
    return message_bytes(value, None, cloud_event(CE_TYPE, 255 * "x", now_s=0.0))


@dataclass(slots=True)
class _BlockReceipt(Acknowledged):
    """Awaits the acknowledgement of a block, and sends the block in pieces where the broker refuses it as too large."""

    sender: BlockSender
    block: Block
    messages: Sequence[RawMessage]
    outcome: asyncio.Future[Receipt]

    def __await__(self) -> Generator[Any, None, None]:
        return self._settled().__await__()

    async def _settled(self) -> None:
        try:
            await self.outcome
        except TooLarge:
            await self.sender.note_refusal(self.block)
            await self.sender.retry.until_available(lambda: self.sender.resend(self.block, self.messages), "Kafka")
