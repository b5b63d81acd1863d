"""What the loop of a worker asks: which messages to handle together, which alone, and which not at all."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import structlog

from relearn.agents.quarantine.in_hand import InHand, Note, left_behind, spans_of
from relearn.agents.quarantine.suspects import HOURLY_MAX, Suspects, quarantined, suspects_of
from relearn.agents.stores.deaths import add_death, recent_deaths
from relearn.agents.stores.postgres import open_pool
from relearn.schemas.messages.records import Fault, RawMessage, UnreadMessage
from relearn.schemas.settings import Settings

log = structlog.get_logger()

REASON = "quarantined"
#: A chunk that is in hand for longer while the event loop runs waits for a server.
WAITING_S = 5.0
#: Shortest and longest pause before a message that one more death would make guilty.
PAUSE_S = (0.5, 2.0)


class Quarantine:
    """What one worker knows of deaths, and its own notes."""

    def __init__(self, settings: Settings, agent: str, directory: Path) -> None:
        self.notes = InHand(directory)
        self._settings = settings
        self._agent = agent
        self._directory = directory
        self._prepared = False
        self._preparing = asyncio.Lock()
        self._suspects: dict[tuple[str, int], Suspects] = {}
        self._quarantined: frozenset[tuple[str, int, int]] = frozenset()

    async def prepare(self) -> None:
        """Before the first chunk: report what processes before this one left in hand, and read all reports.

        Raises:
            PostgresUnavailable, SetupError: repeat the call later.
        """
        if not self._prepared:
            async with self._preparing:
                await self._prepare()

    async def _prepare(self) -> None:
        if self._prepared:
            return
        pool = await open_pool(self._settings, size=1)
        try:
            for path, spans in left_behind(self._directory):
                if spans:
                    log.warning("died_with_messages_in_hand", spans=[list(span) for span in spans][:20])
                    await add_death(pool, path.name, self._agent, spans)
                path.unlink(missing_ok=True)
            deaths = await recent_deaths(pool, self._agent)
        finally:
            pool.terminate()
        self._suspects = suspects_of(deaths, self._settings.quarantine_deaths)
        self._quarantined, over = quarantined(deaths, self._suspects)
        if over:
            log.error("quarantine_is_full", messages=over, most_in_an_hour=HOURLY_MAX)
        self._prepared = True

    def in_hand(self, topic_id: str, records: Sequence[RawMessage]) -> Note:
        """Note the messages of a chunk that is about to be handled.

        The note is struck out after WAITING_S if the event loop runs then: the worker waits for a server, and its end
        would say nothing about the messages.
        """
        note = self.notes.note(spans_of(topic_id, records))
        asyncio.get_running_loop().call_later(WAITING_S, note.strike_out)
        return note

    def suspicious(self, topic_id: str, records: Sequence[RawMessage]) -> bool:
        """Whether a message of a chunk was in hand at a death."""
        if not self._suspects:
            return False
        return any(
            first < span.end and span.first < end
            for span in spans_of(topic_id, records)
            if (found := self._suspects.get((span.topic_id, span.partition))) is not None
            for first, end in found.spans
        )

    def parts(self, topic_id: str, records: Sequence[RawMessage]) -> Iterator[list[RawMessage]]:
        """The messages of a suspicious chunk in the parts in which to handle them, one part after the other."""
        nothing = Suspects((), (), self._settings.quarantine_deaths)

        def part(message: RawMessage) -> object:
            suspects = self._suspects.get((topic_id, message.partition), nothing)
            return message.partition, suspects.part(message.offset)

        for _, together in groupby(records, key=part):
            yield [self._checked(topic_id, message) for message in together]

    def pause_s(self, topic_id: str, records: Sequence[RawMessage]) -> float:
        """The pause before these messages are in hand, if one more death would make one of them guilty; else 0.

        Its random length keeps apart what the message causes and what strikes the worker soon after its start.
        """
        for message in records:
            suspects = self._suspects.get((topic_id, message.partition))
            nearly = suspects is not None and suspects.nearly_guilty(message.offset)
            if nearly and type(message) is not UnreadMessage:
                return random.uniform(*PAUSE_S)  # noqa: S311 - no secret
        return 0.0

    def _checked(self, topic_id: str, message: RawMessage) -> RawMessage:
        if (topic_id, message.partition, message.offset) not in self._quarantined:
            return message
        deaths = self._suspects[topic_id, message.partition].deaths(message.offset)
        place = {"topic": message.topic, "partition": message.partition, "offset": message.offset}
        log.error(REASON, deaths=deaths, **place)
        fault = Fault(0, REASON, f"in hand at {deaths} deaths of its worker, alone at all but one: not read")
        return UnreadMessage(
            message.topic,
            message.partition,
            message.offset,
            message.timestamp,
            message.key,
            message.value,
            message.headers,
            fault,
            whole=True,
        )

    def passed(self, topic_id: str, records: Sequence[RawMessage]) -> None:
        """The chunk is done: its messages are not suspect any more in this process."""
        for span in spans_of(topic_id, records):
            found = self._suspects.pop((span.topic_id, span.partition), None)
            left = [one for one in found.spans if one[1] > span.end] if found else []
            if found and left:
                self._suspects[span.topic_id, span.partition] = replace(found, spans=left)
