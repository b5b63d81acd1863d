"""What the logs of workers tell: when each process swapped its model, and what took a training's time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

_SWAPPED = re.compile(
    r"timestamp=(\S+) level=info event=model_swapped version=\d+ activation=(\d+) published_ms_ago=([\d.-]+)"
)
_TIMED = "event=job_timed job={job} "
_PART = re.compile(r" (\w+)_s=([\d.]+)")


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


def parts_of(logs: Sequence[Path], job: str) -> dict[str, float] | None:
    """How long each part of a training took, in seconds, in order; None until a log has it."""
    mark = _TIMED.format(job=job)
    lines = (line for log in logs for line in _text(log).splitlines() if mark in line)
    line = next(lines, None)
    return None if line is None else {part: float(took_s) for part, took_s in _PART.findall(line)}


def _text(log: Path) -> str:
    return log.read_text(errors="replace") if log.exists() else ""
