"""The time at which each process swapped its model, from its log."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

_SWAPPED = re.compile(
    r"timestamp=(\S+) level=info event=model_swapped version=\d+ activation=(\d+) published_ms_ago=([\d.-]+)"
)


class Swap(NamedTuple):
    """`at_s`: seconds since 1970. `after_ms`: since the message was signed, just before it was published."""

    activation: int
    at_s: float
    after_ms: float


def swaps(log: str) -> list[Swap]:
    """Every swap in the log of one process, in order."""
    return [
        Swap(int(activation), datetime.fromisoformat(at).timestamp(), float(after_ms))
        for at, activation, after_ms in _SWAPPED.findall(log)
    ]


def first_above(logs: Sequence[Path], activation: int) -> list[Swap] | None:
    """The first swap of each process to a model above `activation`; None until all of them have swapped."""
    found = [next((one for one in swaps(_text(log)) if one.activation > activation), None) for log in logs]
    there = [one for one in found if one is not None]
    return there if len(there) == len(logs) else None


def _text(log: Path) -> str:
    return log.read_text(errors="replace") if log.exists() else ""
