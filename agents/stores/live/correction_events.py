"""What was recorded as events. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from relearn.agents.stores.feedback.corrections import Recorded
from relearn.schemas.http.events import CorrectionEvent

#: Of more than that at once only the last is told, and how many the others are.
MOST_EVENTS = 100


def correction_events(recorded: Sequence[Recorded]) -> list[CorrectionEvent]:
    """One event for each row that was recorded at once; one for all of them where they are many."""
    if len(recorded) > MOST_EVENTS:
        return [_event(recorded[-1], more=len(recorded) - 1)]
    return [_event(one) for one in recorded]


def _event(one: Recorded, more: int = 0) -> CorrectionEvent:
    corrects = one.label is not None and one.label != one.predicted
    said = (one.feedback, one.label, one.predicted, corrects, one.reviewer, one.via)
    return CorrectionEvent(str(one.place), *said, more)
