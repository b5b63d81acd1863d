"""Checks of texts in JSON bodies: one fault per field."""

from __future__ import annotations

from collections.abc import Iterable

from relearn.schemas.http.problems import FieldFault
from relearn.schemas.text import MAX_TEXT_BYTES, text_fault


def text_faults(name: str, column: Iterable[str | None], limit_bytes: int = MAX_TEXT_BYTES) -> list[FieldFault]:
    """The faults of `column`; its items are named `name[0]`, `name[1]`, …"""
    faults = ((i, text_fault(text, limit_bytes)) for i, text in enumerate(column))
    return [FieldFault(f"{name}[{i}]", fault) for i, fault in faults if fault]
