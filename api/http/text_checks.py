"""Texts that came as JSON: what is wrong with them, field by field."""

from __future__ import annotations

from collections.abc import Iterable

from relearn.schemas.http.problems import FieldFault
from relearn.schemas.text import MAX_TEXT_BYTES, text_fault


def text_faults(name: str, column: Iterable[str | None], limit_bytes: int = MAX_TEXT_BYTES) -> list[FieldFault]:
    """The faults of `column`, whose items are called `name[0]` and so on."""
    faults = ((i, text_fault(text, limit_bytes)) for i, text in enumerate(column))
    return [FieldFault(f"{name}[{i}]", fault) for i, fault in faults if fault]
