"""A prediction's identity: its record's place in Kafka, and the text form of that place.

`2-10481-0` is partition 2, offset 10481, record 0 of that message, in the topic's first generation; in a later
generation (the topic was deleted and created again) the generation comes first: `1-2-10481-0`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from relearn.schemas.errors import BadIdentity

#: The largest numbers that columns `integer` and `bigint` hold.
INT32_MAX = 2**31 - 1
INT64_MAX = 2**63 - 1


class Place(NamedTuple):
    """One record's place: topic generation (0 is the first), partition, offset, index inside the message."""

    generation: int
    partition: int
    offset: int
    index: int  # type: ignore[assignment] # a field, over the method of tuples

    def __str__(self) -> str:
        place = f"{self.partition}-{self.offset}-{self.index}"
        return place if self.generation == 0 else f"{self.generation}-{place}"


class PlaceColumns(NamedTuple):
    """Places in columns, as parameters of a query."""

    generations: list[int]
    partitions: list[int]
    offsets: list[int]
    indexes: list[int]


def place_columns(places: Iterable[Place]) -> PlaceColumns:
    """The numbers of these places, column by column."""
    rows = list(places)
    return PlaceColumns(*([row[i] for row in rows] for i in range(4)))


def parse_place(text: str) -> Place:
    """The place in `text`.

    Raises:
        BadIdentity: `text` isn't three or four whole numbers joined by `-`, or one is out of range.
    """
    parts = text.split("-")
    if len(parts) not in {3, 4} or not all(part.isascii() and part.isdigit() and len(part) < 20 for part in parts):
        raise BadIdentity(f"{text!r} is no prediction id; one looks like 2-10481-0")
    numbers = [int(part) for part in parts]
    generation, partition, offset, index = numbers if len(numbers) == 4 else [0, *numbers]
    if max(generation, partition, index) > INT32_MAX or offset > INT64_MAX:
        raise BadIdentity(f"{text!r} is no prediction id: a number in it is out of range")
    return Place(generation, partition, offset, index)
