"""Statements for tests, with defaults for everything that isn't given."""

from __future__ import annotations

from typing import Any

from relearn.agents.learning.reviews import Statement
from relearn.schemas.identity import Place


def said(number: int, label: str | None, *, of: int | None = None, predicted: str = "no", **given: Any) -> Statement:
    """Statement `number`, which is its id and its place in Kafka's order, of prediction `of` (its own, where None)."""
    record = number if of is None else of
    columns: dict[str, Any] = {
        "id": number,
        "place": Place(0, 0, record, 0),
        "key": f"key-{record}",
        "features": (float(record), 1.0),
        "label": label,
        "predicted": predicted,
        "model": 1,
        "activation": 1,
        "reviewer": "me",
        "via": "audit",
        "sent": (float(number), 0, number),
        "stored_s": float(number),
    }
    return Statement(**{**columns, **given})
