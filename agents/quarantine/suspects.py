"""Which messages are suspect after deaths of workers, and which are guilty. Pure.

After a death the messages in hand are suspect, and read one by one. A message is guilty when it was in hand at enough
deaths, and alone at all but the first. It is read after a pause when one more death would make it guilty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from relearn.agents.stores.deaths import Death

#: Messages that a role may quarantine in an hour. Were there more, the cause would not be a message.
HOURLY_MAX = 10
_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Suspects:
    """The messages of one partition that were in hand at deaths. Pure.

    `spans`: first offset and end. `lone`: an offset for each death at which no other message was in hand.
    """

    spans: Sequence[tuple[int, int]]
    lone: Sequence[int]
    deaths_max: int

    def deaths(self, offset: int) -> int:
        """At how many deaths this message was in hand."""
        return sum(first <= offset < end for first, end in self.spans)

    def alone(self, offset: int) -> int:
        """At how many deaths this message was alone in hand."""
        return self.lone.count(offset)

    def guilty(self, offset: int) -> bool:
        """Whether this message was in hand at enough deaths, and alone at all of them but one."""
        return self._guilty(offset, 0)

    def nearly_guilty(self, offset: int) -> bool:
        """Whether one more death with this message alone in hand would make it guilty."""
        return self._guilty(offset, 1)

    def _guilty(self, offset: int, more: int) -> bool:
        alone, deaths = self.alone(offset) + more, self.deaths(offset) + more
        return deaths > more and alone >= self.deaths_max - 1 and deaths >= self.deaths_max

    def part(self, offset: int) -> tuple[int, int] | None:
        """The part in which this message is read: equal for messages of one part; None: it is not suspect."""
        return (offset, self.alone(offset)) if self.deaths(offset) else None


def suspects_of(deaths: Sequence[Death], deaths_max: int) -> dict[tuple[str, int], Suspects]:
    """Suspects by topic id and partition."""
    found: dict[tuple[str, int], list[Death]] = {}
    for death in deaths:
        found.setdefault((death.topic_id, death.partition), []).append(death)
    return {
        at: Suspects([(one.first, one.end) for one in some], [one.first for one in some if one.alone], deaths_max)
        for at, some in found.items()
    }


class Quarantined(NamedTuple):
    """Guilty messages by topic id, partition and offset, and how many more there were within an hour."""

    places: frozenset[tuple[str, int, int]]
    over: int


def quarantined(deaths: Sequence[Death], suspects: Mapping[tuple[str, int], Suspects]) -> Quarantined:
    """The guilty messages. Of one hour at most HOURLY_MAX, the oldest."""
    guilty = [
        death
        for death in sorted(deaths, key=lambda death: -death.age_s)
        if death.end == death.first + 1 and suspects[death.topic_id, death.partition].guilty(death.first)
    ]
    places = list(dict.fromkeys((death.topic_id, death.partition, death.first) for death in guilty))
    recent = {(death.topic_id, death.partition, death.first) for death in guilty if death.age_s < _HOUR_S}
    over = [place for place in places if place in recent][HOURLY_MAX:]
    return Quarantined(frozenset(places) - set(over), len(over))
