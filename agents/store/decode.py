"""Decoding the messages of `predictions` and `dead-letters`. A message that can't be decoded becomes a dead letter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import NamedTuple, get_args

import numpy as np
import structlog

from relearn.schemas.errors import BadMessage
from relearn.schemas.identity import INT32_MAX
from relearn.schemas.messages.dead_letter_cut import dead_letters
from relearn.schemas.messages.dead_letters import DeadLetter, decode_dead_letter
from relearn.schemas.messages.predictions import Block, decode_block
from relearn.schemas.messages.records import MAX_TIME_S, Fault, RawMessage, Reject, check_readable
from relearn.schemas.topics import TopicName

log = structlog.get_logger()

#: More than any broker has of one topic. Totals are kept for each partition.
_PARTITIONS_MAX = 100_000
#: aiokafka's `timestamp_type` of a message that the broker stamped.
_LOG_APPEND_TIME = 1


class Known(NamedTuple):
    """The newest generation of the ingest topic, and the numbers of features of its records; None: no features yet.

    `gaps`: whether records may be without a value.
    """

    generation: int
    widths: frozenset[int] | None
    gaps: bool = False

    def exceeded_by(self, block: Block) -> bool:
        """Whether `block` is of a generation or a number of features that is not among these."""
        unknown = block.generation > self.generation or block.width not in (self.widths or ())
        return unknown or (not self.gaps and _has_gaps(block))

    def check(self, block: Block) -> None:
        """Return if `block` can be about records of the namespace.

        Raises:
            BadMessage: with reason `invalid` or `dimension`.
        """
        if block.generation > self.generation:
            raise BadMessage("invalid", f"the ingest topic has no generation {block.generation}")
        width = block.width
        if self.widths is not None and width not in self.widths:
            raise BadMessage("dimension", f"{width} features; the namespace's records have {sorted(self.widths)}")
        if self.widths is not None and not self.gaps and _has_gaps(block):
            raise BadMessage("not-finite", "a feature that isn't a finite number, and may not be missing")


def _has_gaps(block: Block) -> bool:
    return bool(np.isnan(block.features).any()) or any(None in levels for levels in block.strings)


class Decoded(NamedTuple):
    """A block, and the message of `predictions` that it came in."""

    message: RawMessage
    block: Block


def decode_blocks(
    messages: Iterable[RawMessage], *, generation: int, now_s: float
) -> tuple[list[Decoded], list[DeadLetter]]:
    """The blocks in these messages of `predictions`, and dead letters for the messages without one.

    `generation`: that of the topic which the messages came from. A block whose shadow answers can't be decoded is
    returned without them.
    """
    decoded, letters = [], []
    for message in messages:
        try:
            check_readable(message)
            block = decode_block(message.value, without_shadow=partial(_warn, message))
            check_block_storable(block)
        except BadMessage as exc:
            letters.append(_letter(message, exc, generation, now_s))
        else:
            decoded.append(Decoded(message, replace(block, appended_s=_appended_s(message))))
    return decoded, letters


def split_known(
    decoded: Iterable[Decoded], known: Known, *, generation: int, now_s: float
) -> tuple[list[Decoded], list[DeadLetter]]:
    """The blocks that can be about records of the namespace, and dead letters for the messages of the others."""
    kept, letters = [], []
    for one in decoded:
        try:
            known.check(one.block)
        except BadMessage as exc:
            letters.append(_letter(one.message, exc, generation, now_s))
        else:
            kept.append(one)
    return kept, letters


def decode_letters(messages: Iterable[RawMessage], *, generation: int, now_s: float) -> list[DeadLetter]:
    """The dead letters in these messages of `dead-letters`. A message without one becomes a dead letter itself.

    `generation`: that of the topic which the messages came from.
    """
    letters = []
    for message in messages:
        try:
            check_readable(message)
            letter = decode_dead_letter(message.key, message.value, message.headers or ())
            _check_topic(letter, message.topic)
        except BadMessage as exc:
            letters.append(_letter(message, exc, generation, now_s))
        else:
            letters.append(letter)
    return letters


def _check_topic(letter: DeadLetter, topic: str) -> None:
    """Return if `letter` names a topic of the namespace whose `dead-letters` is `topic`. Totals are kept per topic.

    Raises:
        BadMessage: with reason `invalid`.
    """
    prefix = topic.removesuffix("dead-letters")
    if letter.topic.removeprefix(prefix) not in get_args(TopicName) or not letter.topic.startswith(prefix):
        raise BadMessage("invalid", f"a dead letter of topic {letter.topic[:100]!r}, which isn't one of ours")


def check_block_storable(block: Block) -> None:
    """Return if every number of `block` fits its column.

    Raises:
        BadMessage: with reason `invalid`.
    """
    numbers = (block.generation, block.partition, block.model, block.activation, block.schema or 0)
    if max(numbers) > INT32_MAX:
        raise BadMessage("invalid", "generation, partition, model, activation or schema is a number that can't be")
    if not 0 <= block.scored_at <= MAX_TIME_S:
        raise BadMessage("invalid", f"scored at {block.scored_at:g} s, a time that can't be")
    if block.ingested_at.min() < 0 or block.ingested_at.max() > MAX_TIME_S:
        raise BadMessage("invalid", "ingested at a time that can't be")
    if block.partition >= _PARTITIONS_MAX:
        raise BadMessage("invalid", f"no topic has a partition {block.partition}")
    if np.isinf(block.features).any() or not np.isfinite(block.margins).all():
        raise BadMessage("not-finite", "a feature or a margin that isn't a finite number")


def _appended_s(message: RawMessage) -> float | None:
    """When the broker appended a message, epoch seconds; None: the time is its producer's."""
    return message.timestamp / 1000.0 if getattr(message, "timestamp_type", None) == _LOG_APPEND_TIME else None


def _warn(message: RawMessage, fault: BadMessage) -> None:
    place = {"topic": message.topic, "partition": message.partition, "offset": message.offset}
    log.warning("shadow_unreadable", reason=fault.reason, error=fault.detail[:500], **place)


def _letter(message: RawMessage, fault: BadMessage, generation: int, now_s: float) -> DeadLetter:
    log.info("dead_letter", reason=fault.reason, error=fault.detail, topic=message.topic, offset=message.offset)
    reject = Reject(message, Fault(fault.index, fault.reason, fault.detail))
    return next(dead_letters([reject], agent="store", generation=generation, now_s=now_s))
