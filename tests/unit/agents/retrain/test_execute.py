"""Which commands can be written down."""

from __future__ import annotations

from typing import Any

import pytest

from relearn.agents.retrain.execute import check_command_storable
from relearn.schemas.errors import BadMessage
from relearn.schemas.messages.commands import Command


def nested(levels: int) -> dict[str, Any]:
    reason: dict[str, Any] = {}
    for _ in range(levels):
        reason = {"a": [reason]}
    return reason


@pytest.mark.parametrize(
    ("reason", "version"),
    [
        ({"x": float("nan")}, None),
        ({"x": b"bytes"}, None),
        ({"x": "long" * 100_000}, None),
        (nested(11), None),
        (nested(5000), None),
        ({}, 2**31),
    ],
)
def test_what_no_row_or_no_reader_can_hold_is_refused(reason: dict[str, Any], version: int | None) -> None:
    with pytest.raises(BadMessage, match="invalid:"):
        check_command_storable(Command("id", "train", reason, version))


def test_facts_are_fine() -> None:
    check_command_storable(
        Command("id", "activate", {"trigger": "drift", "drifted": ["x"] * 1000, **nested(9)}, 2**31 - 1)
    )
