"""Jobs in the words of the demo's story. No I/O."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from relearn.agents.stores.training.jobs import Job

_LONGEST = 200


class Tell(Protocol):
    """Whoever is told a line of the story."""

    def __call__(self, name: str, text: str, style: str = ...) -> None:
        """`name`: what kind of line."""


def asked_by(reason: Mapping[str, Any]) -> str:
    """Why a training was asked for, in the facts that the command carries."""
    trigger = str(reason.get("trigger", "nobody"))
    if trigger == "count":
        return f"the count: {reason['corrections']} of {reason['corrections_needed']} corrections"
    if trigger == "labels":
        told = f"{reason['corrections']} of them corrections"
        return f"the labels: {reason['labels']} of {reason['labels_needed']}, {told}"
    if trigger == "drift":
        return f"drift in {first_few(reason['drifted'])}, with {reason['labels']} new labels to learn from"
    return trigger


def told_of(job: Job) -> str:
    """How far a training has come: its verdict in the gate's words and figures."""
    gate: Mapping[str, Any] = (job.metrics or {}).get("gate") or {}
    why = str((gate.get("shadow") or {}).get("why") or gate.get("why") or job.error or "")
    if job.state == "shadow":
        return f"model {job.version} is {why}; it answers beside the champion, unseen, until reviews tell"
    if job.state in {"rejected", "skipped", "failed"}:
        why = job.error or why
    which = "" if job.version is None else f"model {job.version} "
    return textwrap.shorten(f"{which}{job.state}" + (f": {why}" if why else ""), _LONGEST, placeholder=" …")


def so_far(job: Job) -> str:
    """How far a shadow has come."""
    found: Mapping[str, Any] = (job.metrics or {}).get("shadow") or {"fixed": 0, "broken": 0, "rows": 0}
    told = f"it fixes {found['fixed']} and breaks {found['broken']} of {found['rows']} reviewed records"
    return f"model {job.version} is still one, and goes on: {told}"


def done_by(job: Job) -> str:
    """What came of anything but a training, and who asked for it."""
    which = "" if job.version is None else f"to model {job.version}, "
    outcome = "took effect" if job.state == "promoted" else f"{job.state}: {job.error}"
    return f"{which}by {job.by or 'itself'}: {outcome}"


def brief(words: str) -> str:
    """Words for a line of the screen: of an id the part that tells it from others."""
    return re.sub(r"\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", r"\1", words)


def first_few(names: Sequence[str]) -> str:
    """Up to three names, and how many more."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
