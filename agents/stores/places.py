"""A prediction's identity in rows: the columns that hold a place, and the place of a row."""

from __future__ import annotations

from typing import Any

from relearn.schemas.identity import Place

#: The columns of a place, in the order of `Place`, in every table of records.
PLACE = "generation, kafka_partition, kafka_offset, record_index"


def place_of_row(row: Any) -> Place:
    """The place of a row that has the columns of PLACE."""
    return Place(row["generation"], row["kafka_partition"], row["kafka_offset"], row["record_index"])
