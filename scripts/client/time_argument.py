"""Parses a time argument: ISO 8601, or an age such as `10m`. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from relearn.schemas.errors import Refused

_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment_of(text: str, now: datetime) -> datetime:
    """The time in `text`, in UTC; without an offset it is UTC. An age counts back from `now`.

    Raises:
        Refused: it is no time.
    """
    try:
        if age := _AGE.fullmatch(text.strip()):
            return now - timedelta(**{_UNITS[age[2]]: float(age[1])})
        at = datetime.fromisoformat(text.strip())
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        form = "a time looks like 2026-01-31T12:00:00, 2026-01-31T12:00+02:00 or, counted back from now, 10m, 2h or 1d"
        raise Refused(f"{text!r} is no time: {form}") from exc
